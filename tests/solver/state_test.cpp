// SPDX-License-Identifier: MIT
#include "meha/solver/state.hpp"

#include <gtest/gtest.h>

#include "meha/core/error.hpp"

namespace meha {
namespace {

TEST(State, KeepsFieldsInOrderAndReferencesValid) {
  State state;
  EXPECT_EQ(state.iteration, 0);
  Vec& x = state.add("x", true, 3);
  const Real* data = x.data();
  for (int i = 0; i < 100; ++i) {
    state.add("field " + std::to_string(i), false, 2);
  }
  EXPECT_EQ(&state["x"], &x);
  EXPECT_EQ(state["x"].data(), data);
  EXPECT_EQ(state["x"], Vec::Zero(3));
  EXPECT_EQ(state.fields().size(), 101U);
  EXPECT_TRUE(state.fields()[0].per_row);
  EXPECT_FALSE(state.fields()[1].per_row);
  EXPECT_EQ(state.fields()[100].name, "field 99");
}

TEST(State, AnUnknownFieldIsABug) {
  State state;
  state.add("x", false, 1);
  EXPECT_THROW((void)state["y"], Error);
}

}  // namespace
}  // namespace meha
