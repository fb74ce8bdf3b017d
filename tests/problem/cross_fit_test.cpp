// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/cross_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/label_noise.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using test::random_vector;
using Rows = Training::Rows;

constexpr Index n_train = 300;  // three tiles
constexpr Index n_validation = 40;
constexpr Index n_classes = 3;
constexpr Index n_features = 12;
constexpr Real rounding = 1e-13;  // of means of 300 numbers of about 1

struct Sums {
  Real value = 0;
  Vec grad_x, grad_y;
};

class CrossFitTest : public testing::Test {
 protected:
  Options options() const {
    Options all = data_.options();
    all.run.block_rows = n_train;
    all.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.3};
    return all;
  }
  Options mlp_options() const {
    Options all = options();
    all.problem.of<ModelOptions>().model = "mlp";
    all.problem.of<NetworkOptions>().hidden = {7};
    all.problem.of<NetworkOptions>().activation = "sigmoid";
    return all;
  }

  /// All rows in one block, at one point for each of the trainings.
  static std::vector<Sums> add(CrossFit& problem, Level level, const std::vector<Training>& trainings, const Vec& x,
                               const std::vector<Vec>& points) {
    std::array<std::vector<Training>, 2> by_level;
    by_level[static_cast<std::size_t>(level)] = trainings;
    problem.set_trainings(std::move(by_level));
    std::vector<Sums> sums(points.size());
    std::vector<Probe> probes;
    std::vector<Share> shares;
    for (std::size_t i = 0; i < points.size(); ++i) {
      sums[i] = {.value = 0, .grad_x = Vec::Zero(problem.n_x()), .grad_y = Vec::Zero(problem.n_y())};
      probes.push_back({.y = as_span(points[i]), .want = Want::Value | Want::GradX | Want::GradY});
      shares.push_back({.value = 0, .grad_x = as_span(sums[i].grad_x), .grad_y = as_span(sums[i].grad_y)});
    }
    const Index n = problem.n_rows(level);
    problem.begin_pass(level, probes);
    problem.add(level, {.id = 0, .rows = {0, n}, .n_rows_in_pass = n}, as_span(x), probes, shares, {});
    for (std::size_t i = 0; i < points.size(); ++i) {
      sums[i].value = shares[i].value;
    }
    return sums;
  }

  /// q of a row of a file at a linear model, in plain loops.
  Vec probabilities(const char* part, Index row, const Vec& y) const {
    Vec z(n_classes);
    for (Index c = 0; c < n_classes; ++c) {
      z[c] = y[n_classes * n_features + c];
      for (Index f = 0; f < n_features; ++f) {
        z[c] += y[c * n_features + f] * data_.feature(part, row, f) / 255.0;
      }
    }
    z = z.array().exp().matrix();
    return z / z.sum();
  }

  /// Adds a row's gradient to that of a linear model.
  void add_residual(const char* part, Index row, const Vec& residual, Vec& grad_y) const {
    for (Index c = 0; c < n_classes; ++c) {
      grad_y[n_classes * n_features + c] += residual[c];
      for (Index f = 0; f < n_features; ++f) {
        grad_y[c * n_features + f] += residual[c] * data_.feature(part, row, f) / 255.0;
      }
    }
  }

  /// What add() must give at one point of a linear model. @param kept  by row
  Sums restated(const CrossFit& problem, Level level, const Training& training, const Vec& x, const Vec& y,
                const std::vector<std::uint8_t>& kept) const {
    const bool is_lower = level == Level::Lower;
    const char* part = is_lower ? "train" : "validation";
    const Index n = problem.n_rows(level);
    Sums sums{.value = 0, .grad_x = Vec::Zero(problem.n_x()), .grad_y = Vec::Zero(problem.n_y())};
    for (Index i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Label label = is_lower ? problem.labels().given[at] : data_.label(part, i);
      const bool noisy = is_lower && training.rows == Rows::Judged;
      const Vec q = probabilities(part, i, y);
      Vec p = Vec::Zero(n_classes);
      Real likelihood = 0;
      for (Index k = 0; k < n_classes; ++k) {
        p[k] = q[k] * (noisy ? std::exp(x[k * n_classes + label]) : k == label ? 1 : 0);
        likelihood += p[k];
      }
      p /= likelihood;
      const bool held_out = problem.fold(level, i) == training.fold;
      if (held_out || training.fold == Training::no_fold) {
        sums.value -= std::log(likelihood) / static_cast<Real>(n);
        for (Index k = 0; noisy && k < n_classes; ++k) {
          sums.grad_x[k * n_classes + label] -= p[k] / static_cast<Real>(n);
        }
      }
      bool taken = !held_out;
      if (is_lower && training.rows == Rows::Kept) {
        taken = taken && kept[at] != 0;
      } else if (is_lower && training.rows == Rows::Clean) {
        taken = taken && label == data_.label(part, i);
      }
      if (taken) {
        add_residual(part, i, (q - p) / static_cast<Real>(n), sums.grad_y);
      }
    }
    return sums;
  }

  const Communicator comm_ = Communicator::world();
  const test::TinyData data_{comm_, {.n_train = n_train, .n_validation = n_validation, .n_test = 30}};
};

void expect_near(const Sums& found, const Sums& expected, const std::string& what) {
  EXPECT_NEAR(found.value, expected.value, rounding) << what;
  EXPECT_LE((found.grad_x - expected.grad_x).cwiseAbs().maxCoeff(), rounding) << what;
  EXPECT_LE((found.grad_y - expected.grad_y).cwiseAbs().maxCoeff(), rounding) << what;
}

/// log of a transition matrix that no row sums to 1 of: any x.
Vec some_x() {
  return first_transition(n_classes).array().log().matrix() + random_vector(n_classes * n_classes, 1, 0.3);
}

TEST_F(CrossFitTest, SumsAreTheFormulasForEveryTraining) {
  SCOPED_TRACE(test::seed_text());
  HyperCleaning cleaning(options(), comm_, best_simd());
  CrossFit& problem = cleaning.cross_fit();
  std::vector<std::uint8_t> kept(n_train);
  for (Index i = 0; i < n_train; ++i) {
    kept[static_cast<std::size_t>(i)] = test::random_value(2, i) > 0 ? 1 : 0;
  }
  problem.set_kept(kept);
  const Vec x = some_x();
  std::vector<Training> trainings;
  std::vector<Vec> points;
  for (const Rows rows : {Rows::Judged, Rows::AsGiven, Rows::Kept, Rows::Clean}) {
    for (const Index fold : {Training::no_fold, Index{0}, problem.n_folds() - 1}) {
      trainings.push_back({.rows = rows, .fold = fold});
      points.push_back(random_vector(problem.n_y(), 10 + static_cast<Index>(points.size())));
    }
  }
  for (const Level level : {Level::Lower, Level::Upper}) {
    const std::vector<Sums> sums = add(problem, level, trainings, x, points);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      expect_near(sums[i], restated(problem, level, trainings[i], x, points[i], kept),
                  std::to_string(static_cast<int>(level)) + ", training " + std::to_string(i));
    }
  }
}

TEST_F(CrossFitTest, GradientsAreThoseOfTheValueWhereNothingIsHeldOut) {
  SCOPED_TRACE(test::seed_text());
  constexpr Real h = 1e-5;
  constexpr Real tolerance = 1e-9;  // of h², and of rounding divided by h
  for (const Options& all : {options(), mlp_options()}) {
    HyperCleaning cleaning(all, comm_, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    for (const auto& [level, rows] :
         {std::pair(Level::Lower, Rows::Judged), {Level::Lower, Rows::AsGiven}, {Level::Upper, Rows::Judged}}) {
      const std::vector<Training> trainings = {{.rows = rows}};
      const Vec x = some_x();
      const Vec y = random_vector(problem.n_y(), 3);
      const Sums here = add(problem, level, trainings, x, {y})[0];
      const auto value = [&, level = level](const Vec& at_x, const Vec& at_y) {
        return add(problem, level, trainings, at_x, {at_y})[0].value;
      };
      for (Index j = 0; j < problem.n_y(); j += 5) {
        const Vec step = h * Vec::Unit(problem.n_y(), j);
        EXPECT_NEAR((value(x, y + step) - value(x, y - step)) / (2 * h), here.grad_y[j], tolerance)
            << all.problem.of<ModelOptions>().model << " y " << j;
      }
      for (Index j = 0; j < problem.n_x(); ++j) {
        const Vec step = h * Vec::Unit(problem.n_x(), j);
        EXPECT_NEAR((value(x + step, y) - value(x - step, y)) / (2 * h), here.grad_x[j], tolerance)
            << all.problem.of<ModelOptions>().model << " x " << j;
      }
    }
  }
}

// The five judges' out-of-fold values and counts add up to those of one model that is held out of nothing, and what a judge
// is trained on is what the others hold out.
TEST_F(CrossFitTest, AJudgeIsTrainedOutsideItsFoldAndMeasuredInside) {
  SCOPED_TRACE(test::seed_text());
  for (const Options& all : {options(), mlp_options()}) {
    HyperCleaning cleaning(all, comm_, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    const Vec x = some_x();
    const Vec y = random_vector(problem.n_y(), 4);
    for (const Level level : {Level::Lower, Level::Upper}) {
      std::vector<Training> trainings = {{}};
      for (Index fold = 0; fold < problem.n_folds(); ++fold) {
        trainings.push_back({.fold = fold});
      }
      const std::vector<Sums> sums = add(problem, level, trainings, x, std::vector<Vec>(trainings.size(), y));
      Sums total{.value = 0, .grad_x = Vec::Zero(problem.n_x()), .grad_y = Vec::Zero(problem.n_y())};
      for (std::size_t i = 1; i < sums.size(); ++i) {
        total.value += sums[i].value;
        total.grad_x += sums[i].grad_x;
        total.grad_y += sums[i].grad_y / static_cast<Real>(problem.n_folds() - 1);
        EXPECT_GT(sums[i].value, 0);
        EXPECT_GT((sums[i].grad_y - sums[0].grad_y).norm(), 1e-6);
      }
      expect_near(total, sums[0], all.problem.of<ModelOptions>().model);
      EXPECT_EQ(sums[0].grad_x.squaredNorm() > 0, level == Level::Lower) << "counts are of the doubtful rows";
    }
  }
}

TEST_F(CrossFitTest, CountsOfPairsAddUpToTheRows) {
  SCOPED_TRACE(test::seed_text());
  HyperCleaning cleaning(options(), comm_, best_simd());
  CrossFit& problem = cleaning.cross_fit();
  const Sums sums = add(problem, Level::Lower, {{}}, some_x(), {random_vector(problem.n_y(), 5)})[0];
  EXPECT_NEAR(-sums.grad_x.sum(), 1, rounding);
  for (Index g = 0; g < n_classes; ++g) {
    Real of_given = 0;
    for (Index k = 0; k < n_classes; ++k) {
      of_given -= sums.grad_x[k * n_classes + g];
    }
    const auto& given = problem.labels().given;
    EXPECT_NEAR(of_given, static_cast<Real>(std::count(given.begin(), given.end(), g)) / n_train, rounding);
  }
}

TEST_F(CrossFitTest, WithoutNoiseItIsTheCrossEntropy) {
  SCOPED_TRACE(test::seed_text());
  HyperCleaning cleaning(options(), comm_, best_simd());
  CrossFit& problem = cleaning.cross_fit();
  Vec identity = Vec::Constant(n_classes * n_classes, -std::numeric_limits<Real>::infinity());
  for (Index k = 0; k < n_classes; ++k) {
    identity[k * n_classes + k] = 0;
  }
  const Vec y = random_vector(problem.n_y(), 6);
  const std::vector<Sums> sums = add(problem, Level::Lower, {{}, {.rows = Rows::AsGiven}}, identity, {y, y});
  EXPECT_EQ(sums[0].value, sums[1].value);
  EXPECT_EQ(sums[0].grad_y, sums[1].grad_y);
}

TEST_F(CrossFitTest, VisitShowsEveryOwnedRowOnceWithItsLogProbabilities) {
  SCOPED_TRACE(test::seed_text());
  for (const Index block_rows : {7, 128, 300}) {
    Options all = options();
    all.run.block_rows = block_rows;
    HyperCleaning cleaning(all, comm_, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    const std::vector<Vec> points = {random_vector(problem.n_y(), 7), random_vector(problem.n_y(), 8, 5)};
    const std::vector<InSpan> models = {as_span(points[0]), as_span(points[1])};
    for (const auto& [level, part] :
         {std::pair(Level::Lower, "train"), {Level::Upper, "validation"}, {Level::Test, "test"}}) {
      std::vector<Index> blocks(static_cast<std::size_t>(problem.rows().of(level).plan().n_blocks()));
      std::iota(blocks.begin(), blocks.end(), Index{0});
      Index next = 0;
      problem.visit(level, blocks, models, [&, level = level, part = part](Index row, Label label, InSpan found) {
        EXPECT_EQ(row, next++);
        EXPECT_EQ(label, level == Level::Lower ? problem.labels().given[static_cast<std::size_t>(row)]
                                               : data_.label(part, row));
        ASSERT_EQ(found.size(), 2U * n_classes);
        for (std::size_t model = 0; model < 2; ++model) {
          const Vec expected = probabilities(part, row, points[model]);
          Real total = 0;
          for (std::size_t k = 0; k < n_classes; ++k) {
            const Real q = found[model * n_classes + k];
            total += q;
            EXPECT_NEAR(q, expected[static_cast<Index>(k)], rounding);
          }
          EXPECT_NEAR(total, 1, rounding);
        }
      });
      EXPECT_EQ(next, problem.n_rows(level));
    }
  }
}

TEST_F(CrossFitTest, VisitOfSomeBlocksShowsTheirRows) {
  Options all = options();
  all.run.block_rows = 50;
  HyperCleaning cleaning(all, comm_, best_simd());
  CrossFit& problem = cleaning.cross_fit();
  const Vec y = random_vector(problem.n_y(), 9);
  const std::vector<InSpan> models = {as_span(y)};
  std::vector<Index> rows;
  const std::vector<Index> blocks = {1, 4};
  problem.visit(Level::Lower, blocks, models, [&](Index row, Label, InSpan) { rows.push_back(row); });
  ASSERT_EQ(rows.size(), 100U);
  EXPECT_EQ(rows.front(), 50);
  EXPECT_EQ(rows[49], 99);
  EXPECT_EQ(rows[50], 200);
  EXPECT_EQ(rows.back(), 249);
}

TEST_F(CrossFitTest, VisitOfExtremeModelsIsFinite) {
  for (const Options& all : {options(), mlp_options()}) {
    HyperCleaning cleaning(all, comm_, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    const Vec y = random_vector(problem.n_y(), 10, 1e4);
    const std::vector<InSpan> models = {as_span(y)};
    const std::vector<Index> blocks = {0};
    Real least = 0;
    problem.visit(Level::Lower, blocks, models, [&](Index, Label, InSpan q) {
      for (const Real value : q) {
        EXPECT_TRUE(std::isfinite(value));
        least = std::min(least, log_probability(value));
      }
    });
    EXPECT_NEAR(least, std::log(1e-30), rounding) << "of a class that cannot be";
  }
}

TEST_F(CrossFitTest, FoldsAreAboutEvenAndOfTheirLevelAndSeed) {
  HyperCleaning cleaning(options(), comm_, best_simd());
  Options other_options = options();
  other_options.run.seed += 1;
  HyperCleaning other_cleaning(other_options, comm_, best_simd());
  const CrossFit& problem = cleaning.cross_fit();
  const CrossFit& other = other_cleaning.cross_fit();
  constexpr Index n = 20'000;
  const auto share = static_cast<Real>(problem.n_folds());
  std::vector<Index> counts(static_cast<std::size_t>(problem.n_folds()), 0);
  Index n_same_level = 0, n_same_seed = 0;
  for (Index row = 0; row < n; ++row) {
    const Index fold = problem.fold(Level::Lower, row);
    ASSERT_GE(fold, 0);
    ASSERT_LT(fold, problem.n_folds());
    ++counts[static_cast<std::size_t>(fold)];
    n_same_level += fold == problem.fold(Level::Upper, row) ? 1 : 0;
    n_same_seed += fold == other.fold(Level::Lower, row) ? 1 : 0;
    EXPECT_EQ(fold, problem.fold(Level::Lower, row));
  }
  const Real five_deviations = 5 * std::sqrt(n * (1 / share) * (1 - 1 / share));
  for (const Index count : counts) {
    EXPECT_NEAR(count, n / share, five_deviations);
  }
  EXPECT_NEAR(n_same_level, n / share, five_deviations);
  EXPECT_NEAR(n_same_seed, n / share, five_deviations);
}

TEST_F(CrossFitTest, StartsAtTheFirstTransitionAndTheClassifiersStart) {
  for (const Options& all : {options(), mlp_options()}) {
    HyperCleaning cleaning(all, comm_, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    EXPECT_EQ(problem.x_layout(), XLayout::Shared);
    EXPECT_EQ(problem.n_x(), n_classes * n_classes);
    EXPECT_EQ(problem.n_y(), cleaning.n_y());
    Vec x(problem.n_x());
    Vec y(problem.n_y());
    Vec x_of_run(n_train);
    Vec y_of_run(problem.n_y());
    problem.start(x, y);
    cleaning.start(x_of_run, y_of_run);
    EXPECT_EQ(y, y_of_run);
    EXPECT_LE((x.array().exp().matrix() - first_transition(n_classes)).cwiseAbs().maxCoeff(), rounding);
  }
}

TEST_F(CrossFitTest, PrecisionsAgree) {
  SCOPED_TRACE(test::seed_text());
  const auto sums_of = [&](Simd simd, const char* precision) {
    Options all = options();
    all.run.precision = precision;
    HyperCleaning cleaning(all, comm_, simd);
    CrossFit& problem = cleaning.cross_fit();
    return add(problem, Level::Lower, {{.fold = 1}}, some_x(), {random_vector(problem.n_y(), 11)})[0];
  };
  const Sums exact = sums_of(Simd::Baseline, "float64");
  for (const Simd simd : {Simd::Baseline, Simd::Avx2, Simd::Avx512}) {
    if (simd <= best_simd()) {
      for (const auto& [precision, epsilon] : {std::pair("float64", 2.2e-16), {"float32", 1.2e-7}}) {
        const Sums sums = sums_of(simd, precision);
        EXPECT_NEAR(sums.value, exact.value, n_train * epsilon);
        EXPECT_LE((sums.grad_x - exact.grad_x).cwiseAbs().maxCoeff(), n_train * epsilon);
        EXPECT_LE((sums.grad_y - exact.grad_y).cwiseAbs().maxCoeff(), n_train * epsilon);
      }
    }
  }
}

}  // namespace
}  // namespace meha
