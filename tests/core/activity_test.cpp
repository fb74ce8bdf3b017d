// SPDX-License-Identifier: MIT
#include "meha/core/activity.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

TEST(Activity, TheOutermostStageCounts) {
  EXPECT_EQ(activity().stage, Stage::None);
  {
    const Doing evaluating(Stage::Evaluate);
    const Doing computing(Stage::Compute);
    EXPECT_EQ(activity().stage, Stage::Evaluate);
  }
  EXPECT_EQ(activity().stage, Stage::None);
  EXPECT_STREQ(name(Stage::Allreduce), "allreduce");
}

TEST(Activity, EveryChangeIsASignOfProgress) {
  auto seen = activity().beats.load();
  const auto expect_beat = [&] {
    EXPECT_GT(activity().beats, seen);
    seen = activity().beats;
  };
  {
    const Doing updating(Stage::Update);
    expect_beat();
    {
      const WaitingForRanks outer;
      { const WaitingForRanks inner; }
      EXPECT_EQ(activity().waits_for, WaitsFor::Ranks);
      expect_beat();
    }
    EXPECT_EQ(activity().waits_for, WaitsFor::Nothing);
    expect_beat();
  }
  expect_beat();
}

}  // namespace
}  // namespace meha
