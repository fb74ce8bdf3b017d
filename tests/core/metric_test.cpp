// SPDX-License-Identifier: MIT
#include "meha/core/metric.hpp"

#include <gtest/gtest.h>

#include <array>

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
  add_metrics(std::array{MetricInfo{"own", "of a problem"}, MetricInfo{"seconds", "not again"}});
  for (const char* name : {"zeta", "seconds", "alpha", "own", "upper_value"}) {
    metrics.set(name, 1);
  }
  metrics.sort();
  std::string order;
  for (const auto& [name, value] : metrics.values) {
    order += name + ' ';
  }
  EXPECT_EQ(order, "upper_value own seconds zeta alpha ");
}

}  // namespace
}  // namespace meha
