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

Real auroc_by_pairs(const std::vector<Real>& score, const std::vector<std::uint8_t>& is_clean) {
  Real twice_wins = 0;
  Real n_pairs = 0;
  for (std::size_t clean = 0; clean < score.size(); ++clean) {
    for (std::size_t corrupted = 0; corrupted < score.size(); ++corrupted) {
      if (is_clean[clean] != 0 && is_clean[corrupted] == 0) {
        n_pairs += 1;
        twice_wins += score[clean] > score[corrupted] ? 2 : score[clean] == score[corrupted] ? 1 : 0;
      }
    }
  }
  return twice_wins / (2 * n_pairs);
}

TEST(Auroc, CountsPairsWithTiesAsHalves) {
  for (Index seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Index n = 2 + random_below(150, seed, Stream::Check, 0, 0);
    const Index n_levels = 1 + random_below(40, seed, Stream::Check, 0, 1);
    std::vector<Real> score;
    std::vector<std::uint8_t> is_clean;
    for (Index row = 0; row < n; ++row) {
      is_clean.push_back(row < 2 ? static_cast<std::uint8_t>(row) : random_bits(seed, Stream::Check, 1, row) % 4 != 0);
      score.push_back(static_cast<Real>(random_below(n_levels, seed, Stream::Check, 2, row)) + 0.3 * is_clean.back());
    }
    EXPECT_EQ(auroc(score, is_clean), auroc_by_pairs(score, is_clean));
    for (Real& value : score) {
      value = std::floor(value);
    }
    EXPECT_EQ(auroc(score, is_clean), auroc_by_pairs(score, is_clean));
  }
}

TEST(Auroc, KnowsTheExtremes) {
  const std::vector<std::uint8_t> is_clean = {0, 0, 1, 1};
  EXPECT_EQ(auroc(std::vector<Real>{-infinity, 0, 1, infinity}, is_clean), 1);
  EXPECT_EQ(auroc(std::vector<Real>{3, 2, 1, 0}, is_clean), 0);
  EXPECT_EQ(auroc(std::vector<Real>{1, 1, 1, 1}, is_clean), 0.5);
}

TEST(Auroc, IsAbsentWhereAKindIsMissing) {
  EXPECT_EQ(auroc(std::vector<Real>{1, 2}, std::vector<std::uint8_t>{1, 1}), std::nullopt);
  EXPECT_EQ(auroc(std::vector<Real>{1, 2}, std::vector<std::uint8_t>{0, 0}), std::nullopt);
  EXPECT_EQ(auroc({}, {}), std::nullopt);
}

TEST(Auroc, IsAbsentWhereAScoreIsNotANumber) {
  EXPECT_EQ(auroc(std::vector<Real>{1, nan, 2, nan}, std::vector<std::uint8_t>{1, 0, 0, 1}), std::nullopt);
}

}  // namespace
}  // namespace meha
