// SPDX-License-Identifier: MIT
#include "meha/solver/blow_up.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace meha {
namespace {

class BlowUp : public testing::Test {
 protected:
  BlowUp() {
    state.add("x", false, 3).setConstant(-2);
    state.add("y", false, 4).setConstant(1);
    state.add("theta", false, 4).setConstant(1);
  }
  [[nodiscard]] std::string text() const { return blow_up(Communicator::world(), state, variables); }

  State state;
  std::vector<Variable> variables = {{"x", "algorithm.alpha"}, {"y", "algorithm.beta"}, {"theta", "algorithm.eta"}};
};

TEST_F(BlowUp, TheLargestIsBlamedWhileAllAreFinite) {
  EXPECT_NE(text().find("lower algorithm.alpha"), std::string::npos) << text();
  state["theta"][3] = -1e20;
  EXPECT_NE(text().find("theta has grown most (largest finite entries: x 2, y 1, theta 1e+20): lower algorithm.eta"),
            std::string::npos)
      << text();
}

TEST_F(BlowUp, WhatIsNotFiniteIsBlamedFirst) {
  state["theta"][3] = -1e20;
  state["y"][1] = std::numeric_limits<Real>::quiet_NaN();
  state["y"][2] = std::numeric_limits<Real>::infinity();
  EXPECT_NE(text().find("2 of 4 entries of y are not finite"), std::string::npos) << text();
  EXPECT_NE(text().find("lower algorithm.beta"), std::string::npos) << text();
}

TEST_F(BlowUp, OnlyTheMethodsOwnVariablesAreLookedAt) {
  State two;
  two.add("x", false, 3).setConstant(-2);
  two.add("y", false, 4).setConstant(1e20);
  two.add("y_momentum", false, 4).setConstant(1e30);
  variables.pop_back();
  EXPECT_NE(blow_up(Communicator::world(), two, variables).find("x 2, y 1e+20): lower algorithm.beta"),
            std::string::npos);
}

}  // namespace
}  // namespace meha
