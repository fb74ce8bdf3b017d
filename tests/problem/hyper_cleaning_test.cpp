// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/hyper_cleaning.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "meha/comm/ranking.hpp"
#include "meha/problem/check.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using test::random_vector;

constexpr Real infinity = std::numeric_limits<Real>::infinity();

TEST(Sigmoid, IsExactAtTheEnds) {
  EXPECT_EQ(sigmoid(infinity), 1);
  EXPECT_EQ(sigmoid(-infinity), 0);
  EXPECT_EQ(sigmoid(0), 0.5);
  EXPECT_EQ(sigmoid(1e4), 1);
  EXPECT_EQ(sigmoid(-1e4), 0);
  EXPECT_TRUE(std::isnan(sigmoid(std::numeric_limits<Real>::quiet_NaN())));
  for (const Real x : {1e-9, 0.3, 2.0, 30.0}) {
    EXPECT_NEAR(sigmoid(x), 1 / (1 + std::exp(-x)), 1e-16);
    EXPECT_NEAR(sigmoid(-x) + sigmoid(x), 1, 3e-16);
  }
}

class HyperCleaningTest : public testing::Test {
 protected:
  static constexpr Index n_train = 300;  // three tiles in one block of 300 rows
  static constexpr Index n_classes = 3;
  static constexpr Index n_features = 12;

  Options options() const {
    Options all = data_.options();
    all.run.block_rows = n_train;
    all.problem.of<NetworkOptions>().regularisation = 0.03;
    return all;
  }

  /// ℓ_i(y) of a row of a file, in plain loops.
  Real loss(const char* part, Index row, const Vec& y, Label label) const {
    Vec z(n_classes);
    for (Index c = 0; c < n_classes; ++c) {
      z[c] = y[n_classes * n_features + c];
      for (Index f = 0; f < n_features; ++f) {
        z[c] += y[c * n_features + f] * data_.feature(part, row, f) / 255.0;
      }
    }
    return std::log(z.array().exp().sum()) - z[label];
  }

  const Communicator comm_ = Communicator::world();
  const test::TinyData data_{comm_, {.n_train = n_train, .n_validation = 20, .n_test = 30}};
};

TEST_F(HyperCleaningTest, PassesItsCheck) {
  SCOPED_TRACE(test::seed_text());
  for (const Index block_rows : {7, 150, 300}) {
    Options all = options();
    all.problem.of<InitOptions>().init = "kaiming_uniform";
    HyperCleaning problem(all, comm_, best_simd());
    for (const CheckResult& result : check_problem(problem, block_rows, test::seed())) {
      EXPECT_TRUE(result.passed()) << result.what << " is off by " << result.error << " with blocks of " << block_rows;
    }
  }
}

TEST_F(HyperCleaningTest, PassesItsCheckWithHiddenLayers) {
  SCOPED_TRACE(test::seed_text());
  Options all = options();
  all.problem.of<ModelOptions>().model = "mlp";
  all.problem.of<NetworkOptions>().hidden = {8, 6};
  all.problem.of<NetworkOptions>().activation = "sigmoid";
  HyperCleaning problem(all, comm_, best_simd());
  EXPECT_EQ(problem.parameters().size(), 6U);
  for (const CheckResult& result : check_problem(problem, 150, test::seed())) {
    EXPECT_TRUE(result.passed()) << result.what << " is off by " << result.error;
  }
}

TEST_F(HyperCleaningTest, ValuesAndGradientsOfXAreTheFormulas) {
  SCOPED_TRACE(test::seed_text());
  HyperCleaning problem(options(), comm_, best_simd());
  const Vec x = random_vector(n_train, 1, 3);
  const Vec y = random_vector(problem.n_y(), 2);
  const Probe probe{.y = as_span(y), .want = Want::Value | Want::GradX};
  Vec grad_x(n_train);
  Share share{.value = 0, .grad_x = as_span(grad_x), .grad_y = {}};
  problem.begin_pass(Level::Lower, {&probe, 1});
  problem.add(Level::Lower, {.id = 0, .rows = {0, n_train}, .n_rows_in_pass = n_train}, as_span(x), {&probe, 1},
              {&share, 1}, {});
  problem.add_whole(Level::Lower, {}, probe, share);
  Real value = 0.03 * y.squaredNorm();
  for (Index i = 0; i < n_train; ++i) {
    const Real s = 1 / (1 + std::exp(-x[i]));
    const Real row_loss = loss("train", i, y, data_.label("train", i));
    value += s * row_loss / n_train;
    EXPECT_NEAR(grad_x[i], s * (1 - s) * row_loss / n_train, 1e-15) << i;
  }
  EXPECT_NEAR(share.value, value, 1e-13);
  const Probe upper{.y = as_span(y), .want = Want::Value};
  Share upper_share;
  problem.begin_pass(Level::Upper, {&upper, 1});
  problem.add(Level::Upper, {.id = 0, .rows = {0, 20}, .n_rows_in_pass = 20}, {}, {&upper, 1}, {&upper_share, 1}, {});
  Real upper_value = 0;
  for (Index j = 0; j < 20; ++j) {
    upper_value += loss("validation", j, y, data_.label("validation", j)) / 20;
  }
  EXPECT_NEAR(upper_share.value, upper_value, 1e-14);
}

// One visit with a step of x in between = the gradients of x before it and those of y after it.
TEST_F(HyperCleaningTest, BetweenHalvesCoversEachRowOnceAndFeedsTheBackwardHalf) {
  SCOPED_TRACE(test::seed_text());
  HyperCleaning problem(options(), comm_, best_simd());
  const Block block{.id = 0, .rows = {0, n_train}, .n_rows_in_pass = n_train};
  const Vec points[] = {random_vector(problem.n_y(), 3), random_vector(problem.n_y(), 4)};
  const Vec old_x = random_vector(n_train, 5, 2);
  const Vec new_x = random_vector(n_train, 6, 2);
  const auto add = [&](const Vec& x, Vec* grad_x, Vec* grad_y, const BetweenHalves& between) {
    std::vector<Probe> probes;
    std::vector<Share> shares;
    for (std::size_t p = 0; p < 2; ++p) {
      grad_x[p] = Vec::Zero(n_train);
      grad_y[p] = Vec::Zero(problem.n_y());
      probes.push_back({.y = as_span(points[p]), .want = Want::GradX | Want::GradY});
      shares.push_back({.value = 0, .grad_x = as_span(grad_x[p]), .grad_y = as_span(grad_y[p])});
    }
    problem.begin_pass(Level::Lower, probes);
    problem.add(Level::Lower, block, as_span(x), probes, shares, between);
  };
  Vec x = old_x;
  Vec grad_x[2], grad_y[2], before_x[2], before_y[2], after_x[2], after_y[2];
  Index next = 0;
  add(x, grad_x, grad_y, [&](Range rows) {
    EXPECT_EQ(rows.begin, next);
    EXPECT_LE(rows.size(), tile_rows);
    next = rows.end;
    x.segment(rows.begin, rows.size()) = new_x.segment(rows.begin, rows.size());
  });
  EXPECT_EQ(next, n_train);
  add(old_x, before_x, before_y, {});
  add(new_x, after_x, after_y, {});
  for (std::size_t p = 0; p < 2; ++p) {
    EXPECT_EQ(grad_x[p], before_x[p]);
    EXPECT_EQ(grad_y[p], after_y[p]);
    EXPECT_NE(grad_y[p], before_y[p]);
  }
}

TEST_F(HyperCleaningTest, TalliesCountKeptRowsAndRightTestRows) {
  SCOPED_TRACE(test::seed_text());
  Options all = options();
  all.problem.of<NoiseOptions>() = {.kind = "pair", .rate = 0.25};
  HyperCleaning problem(all, comm_, best_simd());
  const auto& samples = problem.cross_fit().labels();
  ASSERT_EQ(samples.is_clean.size(), static_cast<std::size_t>(n_train));
  Vec x = random_vector(n_train, 7);
  x[0] = 0;  // σ = ½ counts as kept
  x[1] = -infinity;
  const Vec y = random_vector(problem.n_y(), 8);
  Vec tallies = Vec::Zero(problem.n_tallies());
  for (const Range rows : {Range{0, 100}, Range{100, n_train}}) {
    problem.tally(Level::Lower, {.id = 0, .rows = rows, .n_rows_in_pass = n_train},
                  slice(as_span(std::as_const(x)), rows), as_span(y), as_span(tallies));
  }
  problem.tally(Level::Upper, {.id = 0, .rows = {0, 20}, .n_rows_in_pass = 20}, {}, as_span(y), as_span(tallies));
  problem.tally(Level::Test, {.id = 0, .rows = {0, 30}, .n_rows_in_pass = 30}, {}, as_span(y), as_span(tallies));
  Metrics metrics;
  problem.measure(as_span(std::as_const(tallies)), Vec(), y, metrics);

  Real kept = 0, clean_kept = 0, clean = 0, right = 0, wins = 0;
  for (Index i = 0; i < n_train; ++i) {
    const bool is_clean = samples.is_clean[static_cast<std::size_t>(i)] != 0;
    EXPECT_EQ(samples.given[static_cast<std::size_t>(i)], (data_.label("train", i) + (is_clean ? 0 : 1)) % n_classes);
    EXPECT_EQ(samples.truth[static_cast<std::size_t>(i)], data_.label("train", i));
    kept += x[i] >= 0 ? 1 : 0;
    clean += is_clean ? 1 : 0;
    clean_kept += is_clean && x[i] >= 0 ? 1 : 0;
    for (Index j = 0; is_clean && j < n_train; ++j) {
      wins += samples.is_clean[static_cast<std::size_t>(j)] == 0 && x[i] > x[j] ? 1 : 0;
    }
  }
  for (Index j = 0; j < 30; ++j) {
    Label best = 0;
    for (Label c = 1; c < n_classes; ++c) {
      best = loss("test", j, y, c) < loss("test", j, y, best) ? c : best;
    }
    right += best == data_.label("test", j) ? 1 : 0;
  }
  EXPECT_EQ(clean, 225);
  EXPECT_EQ(metrics.find("rows_kept"), kept);
  EXPECT_EQ(metrics.find("precision"), clean_kept / kept);
  EXPECT_EQ(metrics.find("recall"), clean_kept / clean);
  EXPECT_EQ(metrics.find("test_accuracy"), right / 30);
  EXPECT_NEAR(auroc(comm_, as_span(x), problem.cross_fit().labels().is_clean).value(),
              wins / (clean * (n_train - clean)), 1e-15);
}

TEST_F(HyperCleaningTest, WithoutTruthOrTestRowsMetricsAreAbsent) {
  Options all = options();
  all.problem.of<DataOptions>().test_features.value.clear();
  HyperCleaning problem(all, comm_, best_simd());
  EXPECT_EQ(problem.n_rows(Level::Test), 0);
  Metrics metrics;
  const Vec tallies = Vec::Ones(problem.n_tallies());
  problem.measure(as_span(tallies), Vec(), Vec::Zero(problem.n_y()), metrics);
  EXPECT_FALSE(metrics.find("test_accuracy"));
  EXPECT_FALSE(metrics.find("precision"));
  EXPECT_FALSE(problem.cross_fit().labels().knows_truth);
}

TEST_F(HyperCleaningTest, WithTrustedRowsNoOthersAreToBeTrusted) {
  HyperCleaning problem(options(), comm_, best_simd());
  EXPECT_FALSE(problem.trusts_surest());
  EXPECT_THROW(problem.trust(std::vector<std::uint8_t>(problem.cross_fit().labels().given.size(), 1), 1), Error);
}

TEST_F(HyperCleaningTest, LevelsAndPrecisionsAgree) {
  SCOPED_TRACE(test::seed_text());
  const auto gradient = [&](Simd simd, const char* precision) {
    Options all = options();
    all.run.precision = precision;
    HyperCleaning problem(all, comm_, simd);
    const Vec x = random_vector(n_train, 1);
    const Vec y = random_vector(problem.n_y(), 2);
    const Probe probe{.y = as_span(y), .want = Want::GradY};
    Vec grad = Vec::Zero(problem.n_y());
    Share share{.value = 0, .grad_x = {}, .grad_y = as_span(grad)};
    problem.begin_pass(Level::Lower, {&probe, 1});
    problem.add(Level::Lower, {.id = 0, .rows = {0, n_train}, .n_rows_in_pass = n_train}, as_span(x), {&probe, 1},
                {&share, 1}, {});
    return grad;
  };
  const Vec exact = gradient(Simd::Baseline, "float64");
  for (const Simd simd : {Simd::Baseline, Simd::Avx2, Simd::Avx512}) {
    if (simd <= best_simd()) {
      // a chain over 300 rows of mean about 1/300: n·ε of the largest partial sum, which is below 1
      EXPECT_LE((gradient(simd, "float64") - exact).cwiseAbs().maxCoeff(), 300 * 2.2e-16);
      EXPECT_LE((gradient(simd, "float32") - exact).cwiseAbs().maxCoeff(), 300 * 1.2e-7);
    }
  }
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
