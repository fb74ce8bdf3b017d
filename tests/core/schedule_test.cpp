// SPDX-License-Identifier: MIT
#include "meha/core/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace meha {
namespace {

TEST(Schedule, IsConstantPowerOrPerRow) {
  EXPECT_EQ(constant(0.1).at(7, 100), 0.1);
  const Schedule power{.kind = Schedule::Kind::Power, .a = 2, .b = 3, .power = -0.5};
  EXPECT_EQ(power.at(13, 100), 2 * std::pow(16.0, -0.5));
  const Schedule by_pass{
      .kind = Schedule::Kind::Power, .a = 2, .b = 3, .power = -0.5, .in_passes = true, .per_pass = 4};
  EXPECT_EQ(by_pass.at(14, 100), 2 * std::pow(6.5, -0.5));
  EXPECT_EQ(by_pass.toml(), "{a = 2.0, b = 3.0, power = -0.5, unit = \"pass\"}");
  const Schedule per_row{.kind = Schedule::Kind::PerRow, .a = 0.5};
  EXPECT_EQ(per_row.at(13, 100), 50);
}

TEST(Schedule, ShortestReadsBackAsAFloat) {
  EXPECT_EQ(shortest(1), "1.0");
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(1e-8), "1e-08");
  EXPECT_EQ(std::stod(shortest(1.0 / 3)), 1.0 / 3);
}

}  // namespace
}  // namespace meha
