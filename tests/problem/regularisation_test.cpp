// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"
#include "meha/problem/regularisation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "meha/problem/check.hpp"
#include "support/errors.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using test::random_vector;

class RegularisationTest : public testing::Test {
 protected:
  static constexpr Index n_train = 200;  // two tiles
  static constexpr Index n_classes = 3;
  static constexpr Index n_features = 4;

  [[nodiscard]] std::unique_ptr<Regularisation> make(const std::string& penalty, Real x_start = 0.3,
                                                     const std::string& loss = "cross_entropy") const {
    Options all = data_.options();
    all.run.block_rows = n_train;
    all.problem.type = "regularisation";
    all.problem.of<RegularisationOptions>().penalty = penalty;
    all.problem.of<RegularisationOptions>().loss = loss;
    all.problem.of<RegularisationOptions>().x_start = x_start;
    all.problem.of<RegularisationOptions>().x_max = 3;
    all.problem.of<InitOptions>().init = "kaiming_uniform";
    return std::make_unique<Regularisation>(all, comm_, best_simd());
  }
  static Real entry(const Vec& y, Index k, Index j) { return y[k * n_features + j]; }

  const Communicator comm_ = Communicator::world();
  const test::TinyData data_{comm_, {.n_train = n_train, .n_validation = 20, .n_test = 30, .n_features = n_features}};
};

TEST_F(RegularisationTest, EveryPenaltyPassesItsCheck) {
  SCOPED_TRACE(test::seed_text());
  for (const char* loss : {"cross_entropy", "squared"}) {
    for (const char* penalty : {"l2", "l1", "group"}) {
      const auto problem = make(penalty, 0.3, loss);
      for (const Index block_rows : {7, 150, 200}) {
        for (const CheckResult& result : check_problem(*problem, block_rows, test::seed())) {
          EXPECT_TRUE(result.passed()) << loss << ", " << penalty << ": " << result.what << " is off by "
                                       << result.error;
        }
      }
    }
  }
}

// IDX labels serve as targets.
TEST_F(RegularisationTest, SquaredLossIsTheFormula) {
  SCOPED_TRACE(test::seed_text());
  const auto problem = make("l2", 0.3, "squared");
  ASSERT_EQ(problem->n_y(), n_features + 1);
  const Vec y = random_vector(n_features + 1, 7);
  Real mean = 0;
  Real square = 0;
  Real error = 0;
  for (Index i = 0; i < 30; ++i) {
    Real off = y[n_features] - data_.label("test", i);
    for (Index f = 0; f < n_features; ++f) {
      off += y[f] * data_.feature("test", i, f) / 255.0;
    }
    error += off * off / 30;
    mean += data_.label("test", i) / 30.0;
    square += data_.label("test", i) * data_.label("test", i) / 30.0;
  }
  Vec tallies = Vec::Zero(problem->n_tallies());
  problem->tally(Level::Test, {.id = 0, .rows = {0, 30}, .n_rows_in_pass = 30}, {}, as_span(y), as_span(tallies));
  Metrics metrics;
  problem->measure(as_span(tallies), Vec::Zero(n_features), y, metrics);
  EXPECT_NEAR(*metrics.find("test_error"), error, 1e-13);
  EXPECT_NEAR(*metrics.find("test_r2"), 1 - error / (square - mean * mean), 1e-12);
  EXPECT_FALSE(metrics.find("test_accuracy"));
}

TEST_F(RegularisationTest, PenaltiesAreTheFormulas) {
  SCOPED_TRACE(test::seed_text());
  const Vec x = random_vector(n_features, 1, 2).cwiseAbs();
  const Vec y = random_vector(n_classes * (n_features + 1), 2);
  Real l2 = 0;
  Real l1 = 0;
  Real group = 0;
  for (Index j = 0; j < n_features; ++j) {
    Real square = 0;
    for (Index k = 0; k < n_classes; ++k) {
      square += entry(y, k, j) * entry(y, k, j);
      l1 += x[j] * std::fabs(entry(y, k, j));
    }
    l2 += std::exp(x[j]) / 2 * square;
    group += x[j] * std::sqrt(square);
  }
  EXPECT_NEAR(make("l1")->g(x, y), l1, 1e-14);
  EXPECT_NEAR(make("group")->g(x, y), group, 1e-14);
  EXPECT_EQ(make("l2")->g(x, y), 0);
  Share share;
  make("l2")->add_whole(Level::Lower, as_span(x), {.y = as_span(y), .want = Want::Value}, share);
  EXPECT_NEAR(share.value, l2, 1e-13);
}

TEST_F(RegularisationTest, TheBiasIsNotPenalised) {
  Vec x = Vec::Constant(n_features, 2);
  Vec y = Vec::Zero(n_classes * (n_features + 1));
  y.tail(n_classes) << 1, -2, 3;
  for (const char* penalty : {"l2", "l1", "group"}) {
    const auto problem = make(penalty);
    Vec grad = Vec::Zero(y.size());
    Share share{.value = 0, .grad_x = {}, .grad_y = as_span(grad)};
    problem->add_whole(Level::Lower, as_span(x), {.y = as_span(y), .want = Want::Value | Want::GradY}, share);
    Vec moved = y;
    problem->prox_g(10, x, moved);
    EXPECT_EQ(share.value + problem->g(x, y), 0);
    EXPECT_EQ(grad.norm(), 0);
    EXPECT_EQ(moved, y);
  }
}

/// argmin over t in [0, 1] of h, to 1e-9, by ever finer grids.
template <class Function>
Real brute_force(Function&& h) {
  Real low = 0;
  Real high = 1;
  while (high - low > 1e-9) {
    const Real width = (high - low) / 100;
    Real best = low;
    for (int i = 0; i <= 100; ++i) {
      best = h(low + i * width) < h(best) ? low + i * width : best;
    }
    low = std::max(0.0, best - width);
    high = std::min(1.0, best + width);
  }
  return (low + high) / 2;
}

// By symmetry Prox of the group penalty is t·v with t in [0,1]; and no point around it is better.
TEST_F(RegularisationTest, GroupProxIsWhatBruteForceFinds) {
  SCOPED_TRACE(test::seed_text());
  const auto problem = make("group");
  const Real step = 0.6;
  const Vec x = Vec(random_vector(n_features, 3, 1.5).cwiseAbs());
  const Vec v = random_vector(n_classes * (n_features + 1), 4);
  Vec p = v;
  problem->prox_g(step, x, p);
  for (Index j = 0; j < n_features; ++j) {
    Real square = 0;
    for (Index k = 0; k < n_classes; ++k) {
      square += entry(v, k, j) * entry(v, k, j);
    }
    const Real norm = std::sqrt(square);
    const Real t = brute_force([&](Real s) { return x[j] * s * norm + (1 - s) * (1 - s) * square / (2 * step); });
    for (Index k = 0; k < n_classes; ++k) {
      EXPECT_NEAR(entry(p, k, j), t * entry(v, k, j), 1e-6);
    }
  }
  const auto objective = [&](const Vec& q) { return problem->g(x, q) + (q - v).squaredNorm() / (2 * step); };
  for (Index i = 0; i < 200; ++i) {
    EXPECT_GE(objective(p + 0.01 * random_vector(v.size(), 10 + i)), objective(p));
  }
}

TEST_F(RegularisationTest, ProxKeepsZerosAndWhatIsNotFinite) {
  const auto problem = make("group");
  Vec x = Vec::Zero(n_features);
  Vec y = Vec::Zero(n_classes * (n_features + 1));
  problem->prox_g(1, x, y);
  EXPECT_EQ(y.norm(), 0);
  y[1] = std::nan("");
  x.setConstant(2);
  problem->prox_g(1, x, y);
  EXPECT_TRUE(std::isnan(y[1]));
}

TEST_F(RegularisationTest, TheStartLiesInX) {
  Vec x(n_features);
  Vec y(n_classes * (n_features + 1));
  make("l2", -40)->start(x, y);
  EXPECT_EQ(x, Vec::Constant(n_features, -12));
  make("l2", 40)->start(x, y);
  EXPECT_EQ(x, Vec::Constant(n_features, 3));
  make("l1", -4)->start(x, y);
  EXPECT_EQ(x, Vec::Zero(n_features));
  make("group", 0.5)->start(x, y);
  EXPECT_EQ(x, Vec::Constant(n_features, 0.5));
}

TEST_F(RegularisationTest, BoundsAndTheSearchSpanX) {
  Options options = data_.options();
  options.problem.of<RegularisationOptions>().x_min = 0.001;
  options.problem.of<RegularisationOptions>().x_max = 1;
  options.problem.of<RegularisationOptions>().penalty = "l1";
  const Regularisation l1(options, comm_, best_simd());
  Vec x = Vec::Zero(n_features);
  l1.project_x(x);
  EXPECT_EQ(x, Vec::Constant(n_features, 0.001));
  const std::vector<Real> u = {0, 0.5, 1, 1};
  l1.search_point(u, x);
  EXPECT_NEAR(x[0], 0.001, 1e-15);
  EXPECT_NEAR(x[1], std::sqrt(0.001), 1e-15);
  EXPECT_EQ(x[2], 1);
  Vec high = Vec::Constant(n_features, 7);
  l1.project_x(high);
  EXPECT_EQ(high, Vec::Ones(n_features));

  options.problem.of<RegularisationOptions>().penalty = "l2";
  options.problem.of<RegularisationOptions>().x_min = -5;
  const Regularisation l2(options, comm_, best_simd());
  l2.search_point(u, x);
  EXPECT_EQ(x, (Vec(n_features) << -5, -2, 1, 1).finished());

  options.problem.of<RegularisationOptions>().x_min = 1.5;
  EXPECT_TRUE(fails([&] { const Regularisation none(options, comm_, best_simd()); }, ExitCode::Config,
                    {"problem.x_min = 1.5", "problem.x_max"}));
}

TEST_F(RegularisationTest, MeasuresTestAccuracyAndFeaturesUsed) {
  const auto problem = make("group");
  Vec y = Vec::Zero(problem->n_y());
  y.tail(n_classes) << 0, 1, 0;  // always class 1
  y[n_features + 2] = 1e-30;
  Vec tallies = Vec::Zero(problem->n_tallies());
  Real right = 0;
  for (Index i = 0; i < 30; ++i) {
    right += data_.label("test", i) == 1 ? 1 : 0;
  }
  problem->tally(Level::Test, {.id = 0, .rows = {0, 30}, .n_rows_in_pass = 30}, {}, as_span(y), as_span(tallies));
  Metrics metrics;
  problem->measure(as_span(tallies), Vec::Zero(n_features), y, metrics);
  EXPECT_EQ(metrics.find("test_accuracy"), right / 30);
  EXPECT_EQ(metrics.find("features_used"), 1);
}

}  // namespace
}  // namespace meha
