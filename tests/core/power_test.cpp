// SPDX-License-Identifier: MIT
#include "meha/core/power.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

TEST(Power, IsWithinFourUnitsOfTheLibrary) {
  EXPECT_EQ(power(2, 10), 1024);
  EXPECT_EQ(power(9, 0.5), 3);
  EXPECT_EQ(power(7, 0), 1);
  EXPECT_EQ(power(0.5, -2), 4);
  for (int k = 1; k < 1000; ++k) {
    EXPECT_DOUBLE_EQ(power(k, -0.25), std::pow(k, -0.25));
    EXPECT_DOUBLE_EQ(power(0.999, k), std::pow(0.999, k));
  }
}

}  // namespace
}  // namespace meha
