// SPDX-License-Identifier: MIT
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/solver/train_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/label_noise.hpp"
#include "support/label_data.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

constexpr Real learning_rate = 0.01;

/// A problem and what its models are trained with.
struct Trainer {
  Trainer(const Options& options, Communicator& comm)
      : cleaning(options, comm, best_simd()),
        problem(cleaning.cross_fit()),
        setup(training_setup(problem, {.block_rows = options.run.block_rows, .seed = options.run.seed})),
        oracle(problem, comm, setup) {}

  /// Share of a level's rows that a model classifies as labelled, or as is true.
  [[nodiscard]] Real accuracy(Level level, const Vec& y, bool of_truth = false) {
    std::vector<Index> blocks(static_cast<std::size_t>(problem.rows().of(level).plan().n_blocks()));
    std::iota(blocks.begin(), blocks.end(), Index{0});
    const std::vector<InSpan> models = {as_span(y)};
    Index right = 0;
    problem.visit(level, blocks, models, [&](Index row, Label label, InSpan q) {
      const Label wanted = of_truth ? problem.labels().truth[static_cast<std::size_t>(row)] : label;
      right += std::max_element(q.begin(), q.end()) - q.begin() == wanted ? 1 : 0;
    });
    return static_cast<Real>(right) / static_cast<Real>(problem.n_rows(level));
  }

  HyperCleaning cleaning;
  CrossFit& problem;
  Oracle::Setup setup;
  Oracle oracle;
};

class TrainModels : public testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
};

TEST_F(TrainModels, FindModelsThatClassifyWellInSpiteOfWrongLabels) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 600, .n_validation = 60, .n_test = 200});
  for (const char* model : {"linear", "mlp"}) {
    Options options = data.options();
    options.run.block_rows = 64;
    options.problem.of<ModelOptions>().model = model;
    options.problem.of<NetworkOptions>().hidden = {16};
    options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.4};
    Trainer trainer(options, comm_);
    const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, learning_rate);
    const auto n_folds = static_cast<std::size_t>(trainer.problem.n_folds());
    ASSERT_EQ(trained.y.size(), 2 * (n_folds + 1));
    EXPECT_FALSE(trained.agreed.stop || trained.agreed.time_limit || trained.agreed.not_finite);
    for (const Vec& y : trained.y) {
      EXPECT_TRUE(y.allFinite());
      EXPECT_GE(trainer.accuracy(Level::Test, y), 0.95) << model;
    }
    EXPECT_GE(trainer.accuracy(Level::Lower, trained.y[n_folds], true), 0.95) << model;
    EXPECT_LE(trainer.accuracy(Level::Lower, trained.y[n_folds]), 0.65) << model << ": wrong labels must not be learnt";

    const Index n = trainer.problem.n_classes();
    Vec counts = Vec::Zero(n * n);
    for (std::size_t i = 0; i < 600; ++i) {
      counts[trainer.problem.labels().truth[i] * n + trainer.problem.labels().given[i]] += 1;
    }
    for (Index k = 0; k < n; ++k) {
      for (Index g = 0; g < n; ++g) {
        EXPECT_NEAR(std::exp(trained.x[k * n + g]), counts[k * n + g] / counts.segment(k * n, n).sum(), 0.15)
            << model << ": " << k << " given as " << g;
      }
    }
  }
}

TEST_F(TrainModels, WithoutTrustedRowsThereAreTheJudgesAndTheModelOfAllRows) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 600, .n_validation = 60, .n_test = 200});
  Options options = data.options();
  options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.3};
  options.problem.of<DataOptions>().validation_features.value.clear();
  options.problem.of<DataOptions>().validation_labels.value.clear();
  Trainer trainer(options, comm_);
  EXPECT_EQ(trainer.problem.n_rows(Level::Upper), 0);
  const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, learning_rate);
  ASSERT_EQ(trained.y.size(), static_cast<std::size_t>(trainer.problem.n_folds() + 1));
  for (const Vec& y : trained.y) {
    EXPECT_GE(trainer.accuracy(Level::Test, y), 0.95);
  }
}

TEST_F(TrainModels, ThatLearnRowsByHeartAreTrainedForAShortTime) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 80, .n_validation = 30, .n_test = 30, .n_features = 300});
  Options options = data.options();
  options.problem.of<ModelOptions>().model = "mlp";
  options.problem.of<NetworkOptions>().hidden = {32};
  options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.4};
  options.problem.of<DataOptions>().validation_features.value.clear();
  options.problem.of<DataOptions>().validation_labels.value.clear();
  Trainer trainer(options, comm_);
  const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, learning_rate);
  EXPECT_TRUE(trained.n_steps == 48 || trained.n_steps == 48 + 96) << trained.n_steps;
  const Index of_a_step = 80 * (trainer.problem.n_folds() + 1);
  EXPECT_LE(trained.n_row_visits, (48 + 96) * of_a_step + 192 * 80) << "one judge alone tries a third stage";
}

// Labels that a part of the features decides: the loss out of fold keeps getting better.
TEST_F(TrainModels, WhereThereIsMuchToLearnTheyAreTrainedLonger) {
  SCOPED_TRACE(test::seed_text());
  const test::LabelData data(comm_, {.steepness = 40, .wrong = test::LabelData::Wrong::Never});
  Trainer trainer(data.options(), comm_);
  const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, learning_rate);
  EXPECT_EQ(trained.n_steps, 128 + 384);
}

// Far from 0, gradients to weights are near multiples of the features' means unless features are centred.
TEST_F(TrainModels, FeaturesFarFromZeroAreLearntInFewSteps) {
  SCOPED_TRACE(test::seed_text());
  const test::LabelData data(comm_, {.steepness = 200, .wrong = test::LabelData::Wrong::Never, .darkest = 192});
  Options options = data.options();
  options.problem.of<ModelOptions>().model = "mlp";
  options.problem.of<NetworkOptions>().hidden = {16};
  Trainer trainer(options, comm_);
  const std::vector<ModelPlan> plans = {{.training = {.rows = Training::Rows::AsGiven}}};
  const Vec x = first_transition(3).array().log().matrix();
  const TrainedModels trained = train(trainer.oracle, trainer.problem, plans, x, 0.1, 96);
  EXPECT_GE(trainer.accuracy(Level::Test, trained.y[0]), 0.9);  // 0.81 without
}

TEST_F(TrainModels, OneStageCountsEachModelsRows) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 120, .n_validation = 30});
  Trainer trainer(data.options(), comm_);  // fewer rows than a minibatch has: each step is a pass
  const Vec x = first_transition(3).array().log().matrix();
  const std::vector<ModelPlan> plans = {{.training = {.rows = Training::Rows::AsGiven}},
                                        {.training = {.fold = 2}},
                                        {.training = {}, .doubtful = false},
                                        {.training = {}, .trusted = false}};
  const TrainedModels trained = train(trainer.oracle, trainer.problem, plans, x, learning_rate, 17);
  EXPECT_EQ(trained.n_steps, 17);
  EXPECT_EQ(trained.n_row_visits, 17 * (3 * 120 + 3 * 30));
  EXPECT_EQ(trained.x, x);
  EXPECT_EQ(trained.y.size(), plans.size());
}

TEST_F(TrainModels, CrossFittingCountsTheRowsOfAllModels) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 120, .n_validation = 30});
  Options options = data.options();
  options.problem.of<DataOptions>().validation_features.value.clear();
  options.problem.of<DataOptions>().validation_labels.value.clear();
  Trainer trainer(options, comm_);
  const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, learning_rate);
  const Index of_a_step = 120 * (trainer.problem.n_folds() + 1);
  ASSERT_EQ(trained.n_row_visits % of_a_step, 0);
  EXPECT_EQ(trained.n_row_visits / of_a_step, 128 + 384);  // those of the second stage may have been for nothing
  EXPECT_TRUE(trained.n_steps == 128 || trained.n_steps == 128 + 384) << trained.n_steps;
}

TEST_F(TrainModels, StepsGrowWithTheRowsWithinBounds) {
  const test::TinyData data(comm_, {.n_train = 120});
  Trainer few(data.options(), comm_);
  EXPECT_EQ(usual_steps(few.oracle, kind_of(few.problem)), 384);
  EXPECT_EQ(few.setup.placement, Placement::Sharded);
  EXPECT_EQ(few.oracle.iterations_per_pass(), 1);
}

TEST_F(TrainModels, MinibatchesOfTrustedRowsAreTheirShareInWholeBlocks) {
  const auto trusted_rows = [&](Index n_train, Index n_validation) {
    const test::TinyData data(comm_, {.n_train = n_train, .n_validation = n_validation});
    Options options = data.options();
    options.run.block_rows = 64;
    const Trainer trainer(options, comm_);
    EXPECT_EQ(trainer.problem.n_parts(Level::Upper), 1);
    return trainer.setup.batch_upper;
  };
  EXPECT_EQ(trusted_rows(1024, 60), 64);    // less than a block: one
  EXPECT_EQ(trusted_rows(1024, 512), 128);  // 8 blocks in 4 steps
  EXPECT_EQ(trusted_rows(1024, 900), 256);  // 15 blocks: 3.75 a step, to the nearest
  EXPECT_EQ(trusted_rows(120, 200), 256);   // one step is a pass: all 4 blocks
}

// With the prior of unit variance the optimum is that of  Σ ℓ + ½‖y‖²: its gradient is 0.
TEST_F(TrainModels, TheModelIsTheMaximumAPosteriori) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 120, .n_validation = 30});
  Options options = data.options();
  options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.2};
  Trainer trainer(options, comm_);
  Vec x = first_transition(3).array().log().matrix();
  const std::vector<ModelPlan> plans = {{.training = {.rows = Training::Rows::AsGiven}}};
  const TrainedModels trained = train(trainer.oracle, trainer.problem, plans, x, 0.05, 2000);
  trainer.problem.set_trainings({std::vector<Training>{plans[0].training}, std::vector<Training>{plans[0].training}});
  auto sweep = trainer.oracle.full_sweep(x);
  const Result& sums = sweep.lower(trained.y[0], Want::GradY);
  sweep.add_upper(trained.y[0], Want::GradY, 30.0 / 120.0, sums);
  sweep.run();
  const Vec gradient = sums.grad_y + trained.y[0] / 120.0;
  constexpr Real nearly_zero = 1e-4;  // of terms of about 0.1
  EXPECT_LE(gradient.cwiseAbs().maxCoeff(), nearly_zero);
  EXPECT_GT(trained.y[0].norm(), 1);
}

TEST_F(TrainModels, TrainedAgainTheyHaveTheSameBits) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 700, .n_validation = 60});
  Options options = data.options();
  options.run.block_rows = 64;  // 11 blocks: minibatches
  options.problem.of<NoiseOptions>() = {.kind = "pair", .rate = 0.2};
  Trainer once(options, comm_);
  const TrainedModels trained = cross_fit(once.oracle, once.problem, learning_rate);
  const TrainedModels same_oracle = cross_fit(once.oracle, once.problem, learning_rate);
  Trainer twice(options, comm_);
  const TrainedModels again = cross_fit(twice.oracle, twice.problem, learning_rate);
  EXPECT_EQ(trained.y, again.y);
  EXPECT_EQ(trained.x, again.x);
  EXPECT_EQ(trained.n_steps, again.n_steps);
  EXPECT_EQ(trained.y, same_oracle.y);
}

TEST_F(TrainModels, AllEndOnRequest) {
  const test::TinyData data(comm_, {.n_train = 120, .n_validation = 30});
  Trainer trainer(data.options(), comm_);
  const std::vector<ModelPlan> plans = {{.training = {.rows = Training::Rows::AsGiven}}};
  const Vec x = first_transition(3).array().log().matrix();
  for (const bool by_clock : {false, true}) {
    Index asked = 0;
    trainer.oracle.poll = [&] {
      ++asked;
      return Requests{.stop = !by_clock && asked > 10, .time_limit = by_clock && asked > 10};
    };
    EXPECT_EQ(cross_fit(trainer.oracle, trainer.problem, learning_rate).agreed.stop, !by_clock);
    EXPECT_EQ(asked, 11) << "at once";
    asked = 0;
    EXPECT_EQ(train(trainer.oracle, trainer.problem, plans, x, learning_rate, 50).agreed.time_limit, by_clock);
    EXPECT_EQ(asked, 11);
  }
}

TEST_F(TrainModels, ModelsThatBlowUpSaySo) {
  const test::TinyData data(comm_, {.n_train = 120, .n_validation = 30});
  Trainer trainer(data.options(), comm_);
  const TrainedModels trained = cross_fit(trainer.oracle, trainer.problem, 1e300);
  EXPECT_TRUE(trained.agreed.not_finite);
}

}  // namespace
}  // namespace meha
