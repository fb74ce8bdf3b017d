// SPDX-License-Identifier: MIT
#include "meha/io/progress.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/scratch.hpp"

namespace meha {
namespace {

TEST(Progress, LogsReportsAndWarningsOfAllLives) {
  const Scratch scratch;
  const std::string path = scratch.file("run.log");
  Metrics metrics{.iteration = 20, .values = {}};
  metrics.set("upper_value", 0.25);
  metrics.set("test_accuracy", 0.75);
  {
    Progress progress(path, 100, 0);
    progress.report(metrics);
    progress.warn("100 % {strange}");
  }
  metrics.iteration = 40;
  {
    Progress progress(path, 100, 20);
    progress.report(metrics);
    progress.say("done {}");
  }
  const std::string log = content_of(path);
  std::size_t at = 0;
  for (const char* part : {"iteration 20/100  F 0.25  test 0.7500  ", "100 % {strange}", "iteration 40/100  ",
                           "ms/iteration  ETA ", "done {}"}) {
    at = log.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << " is not in\n" << log;
  }
}

TEST(Progress, ALogThatCannotBeWrittenIsAWarning) {
  const Scratch scratch;
  for (const std::string& log : {scratch.folder(), std::string("/dev/full")}) {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    {
      Progress progress(log, 100, 0);
      progress.say("one");
      progress.say("two");
    }
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "one\ntwo\n");
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
    EXPECT_NE(told.find(log), std::string::npos) << told;
    EXPECT_NE(told.find("the run goes on without"), std::string::npos) << told;
  }
}

}  // namespace
}  // namespace meha
