// SPDX-License-Identifier: MIT
#include "meha/core/history.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace meha {
namespace {

Metrics report(Index iteration) {
  Metrics metrics{.iteration = iteration, .values = {}};
  metrics.set("f1", 0.5 * static_cast<Real>(iteration));
  if (iteration % 3 == 0) {
    metrics.set("upper_value", static_cast<Real>(iteration));
  }
  return metrics;
}

History history_of(Index n) {
  History history;
  for (Index iteration = 0; iteration < n; ++iteration) {
    history.push_back(report(iteration));
  }
  return history;
}

Metrics sorted(Metrics metrics) {
  metrics.sort();
  return metrics;
}

TEST(History, GivesReportsBackInTheOrderOfTheTable) {
  constexpr Index n = 5000;
  const History history = history_of(n);
  ASSERT_EQ(history.size(), static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const Metrics found = history[static_cast<std::size_t>(i)];
    ASSERT_EQ(found.iteration, i);
    ASSERT_EQ(history.iteration(static_cast<std::size_t>(i)), i);
    ASSERT_EQ(found.values, sorted(report(i)).values);
  }
  EXPECT_EQ(history.back().iteration, n - 1);
  EXPECT_TRUE(History().empty());
  EXPECT_FALSE(history.empty());
}

TEST(History, AColumnHasAValueForEachReport) {
  for (const Index n : {1, 1023, 1024, 1025, 3000}) {
    const History history = history_of(n);
    ASSERT_EQ(history.names(), (std::vector<std::string>{"f1", "upper_value"}));
    const auto iterations = history.iterations();
    const auto upper = history.column(1);
    ASSERT_EQ(iterations.size(), static_cast<std::size_t>(n));
    ASSERT_EQ(upper.size(), static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < upper.size(); ++i) {
      ASSERT_EQ(iterations[i], static_cast<Real>(i));
      ASSERT_TRUE(i % 3 == 0 ? upper[i] == iterations[i] : std::isnan(upper[i])) << i;
    }
  }
}

TEST(History, ACopyDoesNotChangeWithTheOriginal) {
  for (const Index n : {1, 1024, 1025, 2048}) {
    History history = history_of(n);
    const History copy = history;
    history.replace_back(report(90'000));
    history.push_back(report(90'001));
    EXPECT_EQ(copy.size(), static_cast<std::size_t>(n));
    EXPECT_EQ(copy.back().iteration, n - 1);
    EXPECT_EQ(copy.column(0).back(), 0.5 * static_cast<Real>(n - 1));
    EXPECT_EQ(history.size(), copy.size() + 1);
    EXPECT_EQ(history[copy.size() - 1].iteration, 90'000);
  }
}

TEST(History, AReplacedReportLeavesNothingBehind) {
  History history = history_of(4);
  history.replace_back({.iteration = 3, .values = {{"f1", 7}}});
  EXPECT_EQ(history.back().find("upper_value"), std::nullopt);
  EXPECT_EQ(history.back().find("f1"), 7);
  EXPECT_TRUE(std::isnan(history.column(1).back()));
}

TEST(ReportOf, TakesTimingsAndWhatItLacksFromTheLastReport) {
  const History history = {{.iteration = 0, .values = {{"f1", 0.1}, {"seconds", 1}}},
                           {.iteration = 5, .values = {{"f1", 0.2}, {"seconds", 2}}},
                           {.iteration = 9, .values = {{"f1", 0.3}, {"seconds", 3}, {"refit_kept", 0.9}}}};
  const Metrics report = report_of(history, 5);
  EXPECT_EQ(report.iteration, 5);
  EXPECT_EQ(report.find("f1"), 0.2);
  EXPECT_EQ(report.find("seconds"), 3);
  EXPECT_EQ(report.find("refit_kept"), 0.9);
  EXPECT_EQ(report_of(history, 7).iteration, 9);
}

}  // namespace
}  // namespace meha
