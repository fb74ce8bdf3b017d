// SPDX-License-Identifier: MIT
#include "meha/io/progress.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace meha
