// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/hyper_representation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "meha/problem/check.hpp"
#include "support/errors.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using test::random_vector;

constexpr Index n_train = 120;
constexpr Index n_features = 12;
constexpr Index n_ways = 3;
constexpr Index n_tasks = 5;

class HyperRepresentationTest : public testing::TestWithParam<const char*> {
 protected:
  Options options() const {
    Options all = data_.options();
    all.run.block_rows = 2;
    all.problem.type = "hyper_representation";
    all.problem.of<DataOptions>().test_features.value.clear();
    all.problem.of<NetworkOptions>().hidden = {7, 4};
    all.problem.of<NetworkOptions>().activation = GetParam();
    all.problem.of<NetworkOptions>().regularisation = 0.3;
    all.problem.of<FewShotOptions>().n_tasks = n_tasks;
    all.problem.of<FewShotOptions>().n_ways = n_ways;
    all.problem.of<FewShotOptions>().n_shots = 2;
    all.problem.of<FewShotOptions>().n_queries = 3;
    all.problem.of<FewShotOptions>().n_held_out_classes = 3;
    all.problem.of<FewShotOptions>().n_evaluation_tasks = 6;
    return all;
  }

  /// The tasks as the problem must have drawn them.
  Episodes episodes(EpisodeSet set) const {
    const Options all = options();
    const Split split = load_split(all.problem.of<DataOptions>(), {}, all.run.seed);
    const Range classes = set == EpisodeSet::Training ? Range{0, 3} : Range{3, 6};
    return draw_episodes(
        split.rows[Level::Lower], split.rows[Level::Upper], classes,
        {.n_tasks = set == EpisodeSet::Training ? n_tasks : 6, .n_ways = n_ways, .n_shots = 2, .n_queries = 3},
        all.run.seed, set);
  }

  /// h(a; x), one number after the other.
  std::vector<Real> features(const Selection& images, std::size_t i, const Vec& x) const {
    std::vector<Real> h;
    for (const std::byte pixel : images.table->row(images.rows[i])) {
      h.push_back(std::to_integer<int>(pixel) / 255.0);
    }
    Index at = 0;
    const Options all = options();
    for (const Index width : all.problem.of<NetworkOptions>().hidden) {
      const auto n_in = static_cast<Index>(h.size());
      std::vector<Real> next;
      for (Index o = 0; o < width; ++o) {
        Real z = x[at + width * n_in + o];
        for (Index k = 0; k < n_in; ++k) {
          z += x[at + o * n_in + k] * h[static_cast<std::size_t>(k)];
        }
        next.push_back(GetParam() == std::string("relu") ? std::max(z, 0.0) : std::tanh(z));
      }
      at += width * (n_in + 1);
      h = next;
    }
    return h;
  }

  static std::vector<Real> logits(const std::vector<Real>& h, const Real* head, std::size_t ways = n_ways) {
    const std::size_t n = h.size();
    std::vector<Real> z;
    for (std::size_t c = 0; c < ways; ++c) {
      z.push_back(head[ways * n + c]);
      for (std::size_t k = 0; k < n; ++k) {
        z[c] += head[c * n + k] * h[k];
      }
    }
    return z;
  }

  /// f or F in plain loops.
  Real objective(const Selection& images, const Vec& x, const Vec& y, Real regularisation,
                 std::size_t ways = n_ways) const {
    const Index head_size = y.size() / n_tasks;
    const auto n_images = static_cast<Index>(images.rows.size()) / n_tasks;
    Real total = 0;
    for (std::size_t i = 0; i < images.rows.size(); ++i) {
      const auto z = logits(features(images, i, x), y.data() + static_cast<Index>(i) / n_images * head_size, ways);
      Real sum = 0;
      for (const Real v : z) {
        sum += std::exp(v);
      }
      total += std::log(sum) - z[static_cast<std::size_t>(images.labels[i])];
    }
    return (total / static_cast<Real>(n_images) + regularisation / 2 * y.squaredNorm()) / n_tasks;
  }

  Real value(Problem& problem, Level level, const Vec& x, const Vec& y) const {
    const BlockPlan plan{.n_rows = n_tasks, .block_rows = 2};
    const Probe probe{.y = as_span(y), .want = Want::Value};
    Share share;
    for (Index id = 0; id < plan.n_blocks(); ++id) {
      problem.add(level, {.id = id, .rows = plan.rows(id), .n_rows_in_pass = n_tasks}, as_span(x), {&probe, 1},
                  {&share, 1}, {});
    }
    return share.value;
  }

  const Communicator comm_ = Communicator::world();
  const test::TinyData data_{comm_,
                             {.n_train = n_train, .n_validation = n_train, .n_features = n_features, .n_classes = 6}};
};

INSTANTIATE_TEST_SUITE_P(Activations, HyperRepresentationTest, testing::Values("relu", "tanh"));

TEST_P(HyperRepresentationTest, IsConsistentWithItself) {
  const auto problem = make_hyper_representation(options(), comm_, best_simd());
  for (const CheckResult& result : check_problem(*problem, 2, test::seed())) {
    EXPECT_LE(result.error, result.tolerance) << result.what << ' ' << test::seed_text();
  }
}

TEST_P(HyperRepresentationTest, ValuesAreThoseOfTheNaiveFormulas) {
  const auto problem = make_hyper_representation(options(), comm_, best_simd());
  ASSERT_EQ(problem->n_x(), 7 * 13 + 4 * 8);
  ASSERT_EQ(problem->n_y(), n_tasks * n_ways * 5);
  const Vec x = random_vector(problem->n_x(), 1);
  const Vec y = random_vector(problem->n_y(), 2);
  const Episodes tasks = episodes(EpisodeSet::Training);
  EXPECT_NEAR(value(*problem, Level::Lower, x, y), objective(tasks.support, x, y, 0.3), 1e-13);
  EXPECT_NEAR(value(*problem, Level::Upper, x, y), objective(tasks.query, x, y, 0), 1e-13);
}

/// Σ_t correct, fitted in plain loops.
TEST_P(HyperRepresentationTest, FewShotAccuracyIsThatOfTheNaiveFit) {
  const auto problem = make_hyper_representation(options(), comm_, best_simd());
  const Vec x = random_vector(problem->n_x(), 1);
  Vec y = Vec::Zero(problem->n_y());
  const Episodes tasks = episodes(EpisodeSet::Evaluation);
  Vec expected = Vec::Zero(2);
  for (std::size_t task = 0; task < 6; ++task) {
    std::vector<std::vector<Real>> h;
    Real square = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      h.push_back(features(tasks.support, task * 6 + i, x));
      for (const Real v : h.back()) {
        square += v * v;
      }
    }
    const Real step = 1 / ((square / 6 + 1) / 2 + 0.3);
    Vec head = Vec::Zero(n_ways * 5);
    for (int k = 0; k < n_fit_steps; ++k) {
      Vec gradient = 0.3 * head;
      for (std::size_t i = 0; i < 6; ++i) {
        const auto z = logits(h[i], head.data());
        Real sum = 0;
        for (const Real v : z) {
          sum += std::exp(v);
        }
        for (std::size_t c = 0; c < n_ways; ++c) {
          const Real p =
              (std::exp(z[c]) / sum - (static_cast<std::size_t>(tasks.support.labels[task * 6 + i]) == c)) / 6;
          for (std::size_t j = 0; j < 4; ++j) {
            gradient[static_cast<Index>(c * 4 + j)] += p * h[i][j];
          }
          gradient[static_cast<Index>(n_ways * 4 + c)] += p;
        }
      }
      head -= step * gradient;
    }
    Real n_correct = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      const auto z = logits(features(tasks.query, task * 9 + i, x), head.data());
      n_correct += std::max_element(z.begin(), z.end()) - z.begin() == tasks.query.labels[task * 9 + i];
    }
    expected += Vec{{n_correct, n_correct * n_correct}};
  }
  Vec tallies = Vec::Zero(problem->own_metrics()->n_tallies());
  problem->own_metrics()->tally(Level::Test, {.id = 0, .rows = {0, 6}, .n_rows_in_pass = 6}, as_span(x), as_span(y),
                                as_span(tallies));
  EXPECT_EQ(tallies[0], expected[0]);
  EXPECT_EQ(tallies[1], expected[1]);

  Vec start(problem->n_x());
  problem->start(start, y);
  Vec at_start = Vec::Zero(problem->own_metrics()->n_tallies());
  problem->own_metrics()->tally(Level::Test, {.id = 0, .rows = {0, 6}, .n_rows_in_pass = 6},
                                as_span(std::as_const(start)), as_span(std::as_const(y)), as_span(at_start));
  for (Index i = 0; i < 2; ++i) {
    EXPECT_EQ(at_start[i], at_start[2 + i]);
    EXPECT_EQ(tallies[2 + i], at_start[i]);
  }

  Metrics metrics;
  problem->own_metrics()->measure(as_span(std::as_const(tallies)), x, y, metrics);
  const auto standard_error = [](const Vec& correct) {
    return std::sqrt((correct[1] - correct[0] * correct[0] / 6) / 5 / 6) / 9;
  };
  EXPECT_NEAR(*metrics.find("few_shot_accuracy"), expected[0] / 54, 1e-15);
  EXPECT_NEAR(*metrics.find("few_shot_accuracy_se"), standard_error(expected), 1e-15);
  EXPECT_NEAR(*metrics.find("untrained_accuracy"), at_start[0] / 54, 1e-15);
  EXPECT_NEAR(*metrics.find("untrained_accuracy_se"), standard_error(at_start), 1e-15);
}

/// Tasks are those of draw_episodes() once classes 4 and 0 are numbered 4 and 5, and 1, 2, 3, 5 are numbered 0 to 3.
TEST_P(HyperRepresentationTest, HoldsOutTheClassesNamed) {
  Options all = options();
  all.problem.of<FewShotOptions>().n_ways = 2;
  all.problem.of<FewShotOptions>().held_out_classes = {4, 0};
  const auto problem = make_hyper_representation(all, comm_, best_simd());
  const Vec x = random_vector(problem->n_x(), 1);
  const Vec y = random_vector(problem->n_y(), 2);

  Split split = load_split(all.problem.of<DataOptions>(), {}, all.run.seed);
  for (Selection* rows : {&split.rows[Level::Lower], &split.rows[Level::Upper]}) {
    for (Label& label : rows->labels) {
      label = std::array<Label, 6>{5, 0, 1, 2, 4, 3}[static_cast<std::size_t>(label)];
    }
  }
  const Episodes tasks = draw_episodes(split.rows[Level::Lower], split.rows[Level::Upper], {0, 4},
                                       {.n_tasks = n_tasks, .n_ways = 2, .n_shots = 2, .n_queries = 3}, all.run.seed,
                                       EpisodeSet::Training);
  EXPECT_NEAR(value(*problem, Level::Lower, x, y), objective(tasks.support, x, y, 0.3, 2), 1e-13);
  EXPECT_NEAR(value(*problem, Level::Upper, x, y), objective(tasks.query, x, y, 0, 2), 1e-13);
}

TEST_P(HyperRepresentationTest, SinglePrecisionIsClose) {
  Options all = options();
  const auto exact = make_hyper_representation(all, comm_, best_simd());
  all.run.precision = "float32";
  const auto single = make_hyper_representation(all, comm_, best_simd());
  const Vec x = random_vector(exact->n_x(), 1);
  const Vec y = random_vector(exact->n_y(), 2);
  EXPECT_NEAR(value(*single, Level::Upper, x, y), value(*exact, Level::Upper, x, y), 1e-5);
}

TEST_P(HyperRepresentationTest, RefusesWhatHasNoMeaning) {
  const auto made = [&](auto&& change) {
    return [&, change] {
      Options all = options();
      change(all);
      (void)make_hyper_representation(all, comm_, best_simd());
    };
  };
  EXPECT_TRUE(fails(made([&](Options& all) {
                      all.problem.of<DataOptions>().test_features =
                          data_.options().problem.of<DataOptions>().test_features;
                    }),
                    ExitCode::Config, {"problem.data.test_features"}));
  EXPECT_TRUE(fails(made([](Options& all) { all.problem.of<NoiseOptions>().kind = "uniform"; }), ExitCode::Config,
                    {"problem.noise.kind"}));
  EXPECT_TRUE(fails(made([](Options& all) { all.problem.of<FewShotOptions>().n_held_out_classes = 2; }),
                    ExitCode::Config, {"problem.n_ways = 3", "only 2 classes"}));
  EXPECT_TRUE(fails(made([](Options& all) { all.problem.of<FewShotOptions>().n_held_out_classes = 9; }),
                    ExitCode::Config, {"problem.n_ways = 3", "only 0 classes"}));
  for (const std::vector<Index>& held_out : {std::vector<Index>{2, 6}, {3, 4, 3}, {0, 1, 2, 3, 4, 5, 0}}) {
    EXPECT_TRUE(fails(made([&](Options& all) { all.problem.of<FewShotOptions>().held_out_classes = held_out; }),
                      ExitCode::Config, {"problem.held_out_classes", std::to_string(held_out.back())}));
  }
}

TEST_P(HyperRepresentationTest, WithoutEvaluationTheMetricsAreAbsent) {
  Options all = options();
  all.problem.of<FewShotOptions>().n_held_out_classes = 0;
  const auto problem = make_hyper_representation(all, comm_, best_simd());
  EXPECT_EQ(problem->n_rows(Level::Test), 0);
  Metrics metrics;
  const Vec tallies = Vec::Zero(problem->own_metrics()->n_tallies());
  problem->own_metrics()->measure(as_span(tallies), Vec(), Vec(), metrics);
  EXPECT_TRUE(metrics.values.empty());
}

}  // namespace
}  // namespace meha
