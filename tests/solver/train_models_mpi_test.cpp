// SPDX-License-Identifier: MIT
// Models that ranks train apart, each its own, are those that one rank trains that owns all rows, and nearly those that all
// ranks train together.
#include <gtest/gtest.h>

#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/solver/train_models.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using Rows = Training::Rows;

/// One of every kind. @param trusted  whether there are trusted rows
std::vector<ModelPlan> plans(bool trusted) {
  return {{.training = {.fold = 1}, .trusted = trusted},
          {.training = {.rows = Rows::Kept}, .trusted = trusted},
          {.training = {.rows = Rows::Kept}, .trusted = false},
          {.training = {.fold = trusted ? 2 : 0}, .doubtful = !trusted, .trusted = trusted},
          {.training = {.rows = Rows::AsGiven}, .trusted = trusted},
          {.training = {.rows = Rows::Clean}, .trusted = trusted},
          {.training = {.fold = 0}, .trusted = false}};
}

class TrainModelsMpi : public testing::Test {
 protected:
  /// @param weights  of ranks    @param batch  rows of a minibatch
  std::vector<Vec> train_with(const Options& options, std::vector<Index> weights, Index batch) {
    Communicator comm = Communicator::world();
    comm.set_weights(std::move(weights));
    HyperCleaning cleaning(options, comm, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    std::vector<std::uint8_t> kept;
    for (Index row = problem.labels().rows.begin; row < problem.labels().rows.end; ++row) {
      kept.push_back(row % 3 != 0 ? 1 : 0);
    }
    problem.set_kept(std::move(kept));
    Oracle::Setup setup = training_setup(problem, {.block_rows = options.run.block_rows, .seed = options.run.seed});
    setup.batch_lower = batch;
    Oracle oracle(problem, comm, setup);
    const Vec x = first_transition(problem.n_classes()).array().log().matrix();
    TrainedModels trained = train(oracle, problem, plans(problem.n_rows(Level::Upper) > 0), x, 0.02, 25);
    EXPECT_FALSE(trained.agreed.not_finite);
    return std::move(trained.y);
  }

  Communicator comm_ = Communicator::world();
};

TEST_F(TrainModelsMpi, RanksThatTrainModelsApartFindWhatOneFinds) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 300, .n_validation = 60});
  std::vector<Index> alone(static_cast<std::size_t>(comm_.size()), 0);
  alone.back() = 1;
  const std::vector<Index> even(alone.size(), 1);
  const auto expect_same = [&](Options options, const std::string& what) {
    options.run.block_rows = 32;
    options.problem.of<NetworkOptions>().hidden = {5};
    options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.3};
    const std::vector<Vec> of_one = train_with(options, alone, 100);
    const std::vector<Vec> of_all = train_with(options, even, 100);
    EXPECT_EQ(comm_.min(of_all == of_one ? 1 : 0), 1) << what;
    if (comm_.rank() == 0) {
      EXPECT_GT((of_one[0] - of_one[1]).norm(), 0);
    }
  };
  for (const char* rows : {"float32", "int16", "sparse"}) {
    const std::string kind = rows;
    for (const char* model : {"linear", "mlp"}) {
      for (const bool trusted : {true, false}) {
        Options options = kind == "sparse" ? data.sparse_options() : data.options();
        options.run.precision = kind == "sparse" ? "float32" : kind;
        options.problem.of<ModelOptions>().model = model;
        if (!trusted) {
          options.problem.of<DataOptions>().validation_features.value.clear();
          options.problem.of<DataOptions>().validation_labels.value.clear();
        }
        expect_same(options, kind + " " + model + (trusted ? ", trusted rows" : ""));
      }
    }
  }
}

// All rows are in each minibatch in either case; the larger one is summed over ranks.
TEST_F(TrainModelsMpi, TrainedApartOrTogetherTheyAreNearlyTheSame) {
  SCOPED_TRACE(test::seed_text());
  const test::TinyData data(comm_, {.n_train = 300, .n_validation = 60});
  for (const bool sparse : {false, true}) {
    Options options = sparse ? data.sparse_options() : data.options();
    options.run.block_rows = 64;
    options.problem.of<ModelOptions>().model = "linear";
    options.problem.of<NoiseOptions>() = {.kind = "uniform", .rate = 0.3};
    const std::vector<Index> even(static_cast<std::size_t>(comm_.size()), 1);
    const std::vector<Vec> apart = train_with(options, even, 1024);
    const std::vector<Vec> together = train_with(options, even, 1025);
    for (std::size_t j = 0; j < apart.size(); ++j) {
      constexpr Real nearly_zero = 1e-9;
      EXPECT_LE((apart[j] - together[j]).norm(), nearly_zero * together[j].norm()) << "model " << j;
      EXPECT_GT(together[j].norm(), 0);
    }
  }
}

}  // namespace
}  // namespace meha
