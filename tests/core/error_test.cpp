// SPDX-License-Identifier: MIT
#include "meha/core/error.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"

namespace meha {
namespace {

TEST(Error, CarriesTheExitCodesThatScriptsRelyOn) {
  EXPECT_EQ(static_cast<int>(ExitCode::Config), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::Data), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::NotFinite), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::Checkpoint), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::Bug), 70);
  EXPECT_EQ(static_cast<int>(ExitCode::Watchdog), 71);
  EXPECT_EQ(static_cast<int>(ExitCode::Stopped), 75);
  EXPECT_EQ(Error(ExitCode::Data, "why").code(), ExitCode::Data);
}

TEST(Error, RequireThrowsOurFault) {
  EXPECT_NO_THROW(require(true, "rule"));
  EXPECT_TRUE(fails([] { require(false, "two is two"); }, ExitCode::Bug, {"internal error", "two is two"}));
}

}  // namespace
}  // namespace meha
