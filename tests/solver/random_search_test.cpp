// SPDX-License-Identifier: MIT
#include "meha/solver/random_search.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "meha/core/random.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/regularisation.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

constexpr Index n_train = 60;
constexpr Index n_validation = 20;
constexpr Index n_features = 6;
constexpr Real x_min = -3;
constexpr Real x_max = 1;
// (steps of a trial + 4 of power iteration + 1) visits to the training rows, one to the validation rows
constexpr Real trial_visits = 205 * n_train + n_validation;

/// Ridge regression: the lower level has a closed form.
class RandomSearchTest : public testing::Test {
 protected:
  RandomSearchTest() {
    Options options = data_.options();
    options.problem.type = "regularisation";
    options.problem.of<RegularisationOptions>().loss = "squared";
    options.problem.of<RegularisationOptions>().x_min = x_min;
    options.problem.of<RegularisationOptions>().x_max = x_max;
    problem_ = std::make_unique<Regularisation>(options, comm_, best_simd());
    oracle_ = std::make_unique<Oracle>(*problem_, comm_, Oracle::Setup{.block_rows = options.run.block_rows});
  }

  /// The features and a 1; the labels are the targets.
  std::pair<Eigen::MatrixXd, Vec> rows(const char* part, Index n) const {
    Eigen::MatrixXd a = Eigen::MatrixXd::Ones(n, n_features + 1);
    Vec t(n);
    for (Index i = 0; i < n; ++i) {
      t[i] = data_.label(part, i);
      for (Index f = 0; f < n_features; ++f) {
        a(i, f) = data_.feature(part, i, f) / 255.0;
      }
    }
    return {a, t};
  }
  /// F(x, argmin_y f(x, y)).
  Real closed_form(const Vec& x) const {
    const auto [a, t] = rows("train", n_train);
    Eigen::MatrixXd h = a.transpose() * a / n_train;
    h.diagonal().head(n_features) += x.array().exp().matrix();
    const Vec y = h.ldlt().solve(a.transpose() * t / n_train);
    const auto [b, s] = rows("validation", n_validation);
    return (b * y - s).squaredNorm() / (2 * n_validation);
  }
  /// The x of a trial, as the header has it.
  static Vec trial_x(Index seed, Index trial) {
    Vec x(n_features);
    for (Index j = 0; j < n_features; ++j) {
      Real u = random_uniform(seed, Stream::Search, trial, 0);
      if (trial % 2 == 1) {
        Real sum = -2;
        for (Index i = 1; i <= 4; ++i) {
          sum += random_uniform(seed, Stream::Search, trial, 4 * j + i);
        }
        u = std::clamp(u + sum * std::sqrt(3.0) * 2 / 15, 0.0, 1.0);
      }
      x[j] = x_min + u * (x_max - x_min);
    }
    return x;
  }

  Communicator comm_ = Communicator::world();
  const test::TinyData data_{
      comm_, {.n_train = n_train, .n_validation = n_validation, .n_test = 30, .n_features = n_features}};
  std::unique_ptr<Regularisation> problem_;
  std::unique_ptr<Oracle> oracle_;
};

// The steps are so many that the lower level is solved to about 1e-8 of F.
TEST_F(RandomSearchTest, FindsTheBestOfItsTrials) {
  SCOPED_TRACE(test::seed_text());
  Vec x = Vec::Constant(n_features, -0.7);
  const Metrics found = random_search(*oracle_, x, {.seed = 5, .row_visits = 9.5 * trial_visits});
  EXPECT_EQ(found.find("search_trials"), 9);
  EXPECT_NEAR(*found.find("solved_upper_value"), closed_form(x), 1e-6);
  Real best = closed_form(trial_x(5, 0));
  Real best_shared = best;
  for (Index trial = 1; trial < 9; ++trial) {
    const Real value = closed_form(trial_x(5, trial));
    best = std::min(best, value);
    best_shared = trial % 2 == 0 ? std::min(best_shared, value) : best_shared;
  }
  EXPECT_NEAR(*found.find("search_upper_value"), best, 1e-6);
  EXPECT_NEAR(*found.find("search_shared_upper_value"), best_shared, 1e-6);
  EXPECT_TRUE(found.find("search_test_error"));
  EXPECT_EQ(x, Vec::Constant(n_features, -0.7));
}

TEST_F(RandomSearchTest, NeedsABudgetForTwoTrials) {
  Vec x = Vec::Zero(n_features);
  EXPECT_TRUE(random_search(*oracle_, x, {.row_visits = 1.9 * trial_visits}).values.empty());
  EXPECT_FALSE(random_search(*oracle_, x, {.row_visits = 2.1 * trial_visits}).values.empty());
}

TEST_F(RandomSearchTest, EndsWhenARankAsksToStop) {
  Vec x = Vec::Zero(n_features);
  int n_polls = 0;
  oracle_->poll = [&] { return Requests{.stop = ++n_polls == 700}; };
  EXPECT_TRUE(random_search(*oracle_, x, {.row_visits = 1e9}).values.empty());
  EXPECT_EQ(n_polls, 700);
  EXPECT_TRUE(oracle_->agreed().stop);
}

TEST_F(RandomSearchTest, IsNotForOneXPerRow) {
  HyperCleaning problem(data_.options(), comm_, best_simd());
  Oracle oracle(problem, comm_, {.block_rows = 7});
  Vec x = Vec::Zero(n_train);
  EXPECT_TRUE(random_search(oracle, x, {.row_visits = 1e9}).values.empty());
}

}  // namespace
}  // namespace meha
