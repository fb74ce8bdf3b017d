// SPDX-License-Identifier: MIT
#include "meha/io/progress_bar.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meha {
namespace {

TEST(ProgressBar, WritesDurationsForPeople) {
  EXPECT_EQ(duration_text(0), "0:00");
  EXPECT_EQ(duration_text(65.4), "1:05");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

TEST(ProgressBar, IsQuietWhereNothingTakesLong) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("importing");
    bar.show(0.0, 0);
    bar.show(0.5, 100);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace meha
