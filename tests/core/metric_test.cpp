// SPDX-License-Identifier: MIT
#include "meha/core/metric.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
constexpr Real infinity = std::numeric_limits<Real>::infinity();

TEST(Metrics, NamesAreUniqueAndIterationComesFirst) {
  std::set<std::string> names;
  for (const MetricInfo& info : metric_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
  }
  EXPECT_STREQ(metric_table().front().name, "iteration");
}

TEST(Metrics, SetReplacesAndLeavesOutWhatIsNotFinite) {
  Metrics metrics;
  metrics.set("f1", 0.25);
  metrics.set("f1", 0.5);
  metrics.set("recall", nan);
  metrics.set("precision", infinity);
  EXPECT_EQ(metrics.values.size(), 1U);
  EXPECT_EQ(metrics.find("f1"), 0.5);
  EXPECT_EQ(metrics.find("recall"), std::nullopt);
  EXPECT_EQ(metrics.find("precision"), std::nullopt);
}

TEST(Metrics, SortFollowsTheTableAndKeepsUnknownNamesLast) {
  Metrics metrics;
  for (const char* name : {"zeta", "seconds", "alpha", "f1", "upper_value"}) {
    metrics.set(name, 1);
  }
  metrics.sort();
  std::string order;
  for (const auto& [name, value] : metrics.values) {
    order += name + ' ';
  }
  EXPECT_EQ(order, "upper_value f1 seconds zeta alpha ");
}

TEST(CleaningMetrics, FollowTheirDefinitions) {
  Metrics metrics;
  set_cleaning_metrics(6, 2, 4, metrics);
  EXPECT_EQ(metrics.find("precision"), 6.0 / 8);
  EXPECT_EQ(metrics.find("recall"), 6.0 / 10);
  const Real precision = 0.75;
  const Real recall = 0.6;
  EXPECT_NEAR(*metrics.find("f1"), 2 * precision * recall / (precision + recall), 1e-15);
}

TEST(CleaningMetrics, AreAbsentWhereTheyAreZeroOverZero) {
  Metrics nothing_kept;
  set_cleaning_metrics(0, 0, 3, nothing_kept);
  EXPECT_EQ(nothing_kept.find("precision"), std::nullopt);
  EXPECT_EQ(nothing_kept.find("recall"), 0);
  EXPECT_EQ(nothing_kept.find("f1"), 0);
  Metrics nothing_clean;
  set_cleaning_metrics(0, 3, 0, nothing_clean);
  EXPECT_EQ(nothing_clean.find("precision"), 0);
  EXPECT_EQ(nothing_clean.find("recall"), std::nullopt);
  Metrics nothing_at_all;
  set_cleaning_metrics(0, 0, 0, nothing_at_all);
  EXPECT_TRUE(nothing_at_all.values.empty());
}

}  // namespace
}  // namespace meha
