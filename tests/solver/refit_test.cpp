// SPDX-License-Identifier: MIT
#include "meha/solver/refit.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "meha/problem/hyper_cleaning.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

constexpr Index n_train = 60;
constexpr Index n_test = 30;
constexpr Index n_features = 12;
constexpr Index n_classes = 3;

class RefitTest : public testing::Test {
 protected:
  /// @param rate  of labels moved to the next class
  void make(Real rate) {
    Options options = data_.options();
    options.problem.noise = {.kind = rate > 0 ? "pair" : "none", .rate = rate};
    problem_.emplace(options, comm_, best_simd());
    oracle_.emplace(*problem_, comm_, Oracle::Setup{.block_rows = options.run.block_rows});
  }
  /// Weights that keep exactly the rows whose labels are right.
  [[nodiscard]] Vec weights_of_clean_rows() const {
    Vec x(n_train);
    for (Index i = 0; i < n_train; ++i) {
      x[i] = problem_->samples().is_clean[static_cast<std::size_t>(i)] != 0 ? 2 : -2;
    }
    return x;
  }

  /// Full-batch Adam from zero on the mean loss of the rows taken, in plain loops; test accuracy.
  template <class Taken>
  Real naive(const char* part, Index n_rows, const RefitPlan& plan, Taken&& taken) const {
    Vec y = Vec::Zero(n_classes * (n_features + 1));
    Vec m = y;
    Vec v = y;
    const auto logits = [&](const char* of, Index i) {
      Vec z = y.tail(n_classes);
      for (Index c = 0; c < n_classes; ++c) {
        for (Index f = 0; f < n_features; ++f) {
          z[c] += y[c * n_features + f] * data_.feature(of, i, f) / 255.0;
        }
      }
      return z;
    };
    for (Index t = 1; t <= plan.iterations; ++t) {
      Vec d = Vec::Zero(y.size());
      Real n_taken = 0;
      for (Index i = 0; i < n_rows; ++i) {
        if (!taken(i)) {
          continue;
        }
        n_taken += 1;
        Vec p = logits(part, i).array().exp();
        p /= p.sum();
        p[part[0] == 't' ? problem_->samples().given[static_cast<std::size_t>(i)] : data_.label(part, i)] -= 1;
        for (Index c = 0; c < n_classes; ++c) {
          d[n_classes * n_features + c] += p[c];
          for (Index f = 0; f < n_features; ++f) {
            d[c * n_features + f] += p[c] * data_.feature(part, i, f) / 255.0;
          }
        }
      }
      const auto steps = static_cast<Real>(t);
      for (Index i = 0; i < y.size(); ++i) {
        const Real g = d[i] / n_taken;
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        y[i] -= plan.learning_rate * (m[i] / (1 - std::pow(0.9, steps))) /
                (std::sqrt(v[i] / (1 - std::pow(0.999, steps))) + 1e-8);
      }
    }
    Real right = 0;
    for (Index j = 0; j < n_test; ++j) {
      Index best = 0;
      logits("test", j).maxCoeff(&best);
      right += best == data_.label("test", j) ? 1 : 0;
    }
    return right / n_test;
  }

  Communicator comm_ = Communicator::world();
  const test::TinyData data_{
      comm_,
      {.n_train = n_train, .n_validation = 20, .n_test = n_test, .n_features = n_features, .n_classes = n_classes}};
  std::optional<HyperCleaning> problem_;
  std::optional<Oracle> oracle_;
};

TEST_F(RefitTest, SeparableDataAreLearntFromCleanRowsAndNotFromCorruptedOnes) {
  SCOPED_TRACE(test::seed_text());
  make(0.7);
  Vec x = weights_of_clean_rows();
  const RefitPlan plan{.iterations = 200, .learning_rate = 0.05};
  EXPECT_EQ(refit(*oracle_, Refit::Clean, x, plan), 1);
  EXPECT_EQ(refit(*oracle_, Refit::Kept, x, plan), 1);
  EXPECT_EQ(refit(*oracle_, Refit::Validation, x, plan), 1);
  EXPECT_LE(refit(*oracle_, Refit::Corrupted, x, plan).value(), 0.5);
  EXPECT_EQ(x, weights_of_clean_rows());
}

// Few steps, so that the accuracies are below 1 and depend on which rows were taken and with which scale.
TEST_F(RefitTest, TrainsAsAPlainLoopDoes) {
  SCOPED_TRACE(test::seed_text());
  make(0.4);
  const Vec x_fixed = test::random_vector(n_train, 3);
  Vec x = x_fixed;
  const auto& clean = problem_->samples().is_clean;
  for (const Index iterations : {1, 4, 15}) {
    const RefitPlan plan{.iterations = iterations, .learning_rate = 0.01};
    EXPECT_EQ(refit(*oracle_, Refit::Kept, x, plan).value(),
              naive("train", n_train, plan, [&](Index i) { return x_fixed[i] >= 0; }));
    EXPECT_EQ(refit(*oracle_, Refit::Corrupted, x, plan).value(),
              naive("train", n_train, plan, [](Index) { return true; }));
    EXPECT_EQ(refit(*oracle_, Refit::Clean, x, plan).value(),
              naive("train", n_train, plan, [&](Index i) { return clean[static_cast<std::size_t>(i)] != 0; }));
    EXPECT_EQ(refit(*oracle_, Refit::Validation, x, plan).value(),
              naive("validation", 20, plan, [](Index) { return true; }));
  }
}

TEST_F(RefitTest, IsAbsentWhereItMeansNothing) {
  make(0);
  Vec x = Vec::Constant(n_train, -1);
  EXPECT_FALSE(refit(*oracle_, Refit::Kept, x, {.iterations = 2}).has_value()) << "no row is kept";
  EXPECT_FALSE(refit(*oracle_, Refit::Clean, x, {.iterations = 2}).has_value()) << "the truth is unknown";
  EXPECT_TRUE(refit(*oracle_, Refit::Corrupted, x, {.iterations = 2}).has_value());
}

TEST_F(RefitTest, GivesWayToAStop) {
  make(0);
  Vec x = Vec::Zero(n_train);
  Index n_polls = 0;
  oracle_->poll = [&] { return Requests{.stop = ++n_polls >= 3}; };
  EXPECT_FALSE(refit(*oracle_, Refit::Corrupted, x, {.iterations = 100}).has_value());
  EXPECT_EQ(n_polls, 3);
  EXPECT_TRUE(oracle_->agreed().stop);
}

TEST(Refit, EveryComparisonHasAMetricOfItsName) {
  for (const Refit which : {Refit::Kept, Refit::Corrupted, Refit::Validation, Refit::Clean}) {
    const auto table = metric_table();
    EXPECT_TRUE(std::any_of(table.begin(), table.end(),
                            [&](const MetricInfo& info) { return std::string(info.name) == metric_name(which); }));
  }
}

}  // namespace
}  // namespace meha
