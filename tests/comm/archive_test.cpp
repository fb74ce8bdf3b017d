// SPDX-License-Identifier: MIT
#include "meha/comm/archive.hpp"
#include "meha/solver/registry.hpp"

#include <gtest/gtest.h>

#include "support/other_options.hpp"

namespace meha {
namespace {

TEST(Archive, EveryOptionSurvives) {
  const Options options = other_options();
  const auto returned = unpack(pack(options), all_options());
  for (const OptionDifference& difference : compare(options, returned)) {
    ADD_FAILURE() << difference.name << ": " << difference.before << " became " << difference.after;
  }
}

TEST(Archive, SchedulesSurviveToTheBit) {
  Options options = all_options();
  options.algorithm.alpha = {.kind = Schedule::Kind::Power, .a = 0.1, .b = 1.0 / 3, .power = -0.7};
  EXPECT_EQ(unpack(pack(options), all_options()).algorithm.alpha, options.algorithm.alpha);
}

TEST(Archive, EqualValuesGiveEqualBytes) {
  EXPECT_EQ(pack(other_options()), pack(other_options()));
  EXPECT_NE(pack(other_options()), pack(Options()));
}

}  // namespace
}  // namespace meha
