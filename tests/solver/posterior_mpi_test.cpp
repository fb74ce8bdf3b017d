// SPDX-License-Identifier: MIT
#include "meha/solver/posterior.hpp"

#include <gtest/gtest.h>

#include "meha/core/hash.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/solver/train_models.hpp"
#include "support/label_data.hpp"

namespace meha {
namespace {

using test::LabelData;

/// What one rank alone finds is what every rank of any number finds: the weights of ranks are put so that rank 0 owns all
/// rows, some ranks own none, or all about as many.
std::vector<std::vector<Index>> sharings(int n_ranks) {
  const auto n = static_cast<std::size_t>(n_ranks);
  std::vector<Index> alone(n, 0);
  alone[0] = 1;
  std::vector<Index> uneven(n);
  for (std::size_t rank = 0; rank < n; ++rank) {
    uneven[rank] = static_cast<Index>(rank % 3 == 1 ? 0 : 1 + rank);
  }
  return {alone, std::vector<Index>(n, 1), uneven};
}

/// The posteriors of all rows, on every rank.
std::vector<Real> all_of(const Communicator& comm, const std::vector<RowPosterior>& rows) {
  std::vector<Real> mine;
  for (const RowPosterior& row : rows) {
    mine.insert(mine.end(), {row.p_correct, static_cast<Real>(row.suggested), static_cast<Real>(row.p_suggested)});
  }
  return comm.gather_all(std::span<const Real>(mine));
}

struct Found {
  std::vector<Vec> models;
  Vec transition;  // as trained
  Vec noise;       // packed
  std::vector<Real> posteriors;
  std::vector<std::pair<std::string, Real>> metrics;
};

class PosteriorMpi : public testing::Test {
 protected:
  /// A few steps of training, the noise and the posteriors.
  static Found find(const Options& options, const std::vector<Index>& weights, bool trains) {
    Communicator comm = Communicator::world();
    comm.set_weights(weights);
    HyperCleaning cleaning(options, comm, best_simd());
    CrossFit& problem = cleaning.cross_fit();
    const bool has_trusted = problem.n_rows(Level::Upper) > 0;
    const auto n_folds = static_cast<std::size_t>(problem.n_folds());
    Found found;
    if (trains) {
      Oracle oracle(problem, comm, training_setup(problem, {.block_rows = options.run.block_rows}));
      std::vector<ModelPlan> plans;
      for (const bool doubtful : {true, false}) {
        for (std::size_t fold = 0; fold <= n_folds && (doubtful || has_trusted); ++fold) {
          plans.push_back({.training = {.fold = fold < n_folds ? static_cast<Index>(fold) : Training::no_fold},
                           .doubtful = doubtful,
                           .trusted = has_trusted});
        }
      }
      TrainedModels trained = train(oracle, problem, plans, first_transition(3).array().log().matrix(), 0.1, 30);
      EXPECT_FALSE(trained.agreed.not_finite);
      found.models = std::move(trained.y);
      found.transition = trained.x.array().exp().matrix();
    } else {
      for (std::size_t j = 0; j < 2 * (n_folds + 1); ++j) {
        found.models.push_back(test::random_vector(problem.n_y(), static_cast<Index>(j), 5));
      }
      found.transition = Vec::Constant(9, 1.0 / 3) + 0.1 * test::random_vector(9, 50);
    }
    Judges judges;
    for (std::size_t j = 0; j < n_folds; ++j) {
      judges.judges.push_back(as_span(std::as_const(found.models[j])));
      if (has_trusted) {
        judges.trusted_judges.push_back(as_span(std::as_const(found.models[n_folds + 1 + j])));
      }
    }
    if (has_trusted) {
      judges.trusted = as_span(std::as_const(found.models.back()));
    }
    const LabelNoise noise = estimate_noise(comm, problem, judges, found.transition);
    found.noise = pack(noise);
    const std::vector<RowPosterior> rows = posteriors(comm, problem, judges, noise);
    EXPECT_EQ(static_cast<Index>(rows.size()), problem.labels().rows.size());
    found.posteriors = all_of(comm, rows);
    for (const auto& [name, value] : detection_metrics(comm, problem, rows).values) {
      found.metrics.emplace_back(name, value);
    }
    return found;
  }

  /// The same on every rank, and for every sharing of the rows.
  void expect_one_result(const Options& options, bool trains) {
    Found first;
    for (const std::vector<Index>& weights : sharings(comm_.size())) {
      const Found found = find(options, weights, trains);
      Hasher hasher;
      hasher.add_values(as_span(found.noise));
      for (const auto& [name, value] : found.metrics) {
        hasher.add_values(InSpan(&value, 1));
      }
      const auto hash = static_cast<Index>(hasher.value() >> 1U);
      EXPECT_EQ(comm_.min(hash), -comm_.min(-hash)) << "ranks differ";
      if (first.noise.size() == 0) {
        first = found;
        EXPECT_TRUE(found.noise.allFinite());
        EXPECT_EQ(found.posteriors.size(), 3U * 900);
      }
      EXPECT_EQ(found.models, first.models);
      EXPECT_EQ(found.transition, first.transition);
      EXPECT_EQ(found.noise, first.noise);
      EXPECT_EQ(found.posteriors, first.posteriors);
      EXPECT_EQ(found.metrics, first.metrics);
      EXPECT_EQ(found.metrics.size(), 6U) << "noise_rate and five of the truth";
    }
  }

  const Communicator comm_ = Communicator::world();
};

TEST_F(PosteriorMpi, OfTrainedModelsNoBitDependsOnTheSharingOfRows) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 900, .n_validation = 130, .n_test = 10});
  expect_one_result(data.options(), true);
}

TEST_F(PosteriorMpi, WithoutTrustedRowsNoBitDependsOnTheSharingOfRows) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 900, .n_validation = 0, .n_test = 10});
  expect_one_result(data.options(), true);
}

TEST_F(PosteriorMpi, OfAnyModelsNoBitDependsOnTheSharingOfRows) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 900, .n_validation = 130, .n_test = 10});
  for (const char* precision : {"float32", "float64"}) {
    for (const Index block_rows : {31, 256}) {  // more blocks than ranks, or fewer
      Options options = data.options();
      options.run.precision = precision;
      options.run.block_rows = block_rows;
      expect_one_result(options, false);
    }
  }
}

TEST_F(PosteriorMpi, VisitShowsEachRowToItsOwner) {
  const LabelData data(comm_, {.n_train = 900, .n_validation = 130, .n_test = 10});
  HyperCleaning cleaning(data.options(), comm_, best_simd());
  CrossFit& problem = cleaning.cross_fit();
  const Vec y = test::random_vector(problem.n_y(), 1);
  const std::vector<InSpan> models = {as_span(y)};
  for (const auto& [level, n_rows] :
       {std::pair(Level::Lower, Index{900}), {Level::Upper, Index{130}}, {Level::Test, Index{10}}}) {
    const RowSet& rows = problem.rows().of(level);
    std::vector<Index> blocks;
    for (Index first = rows.rows().begin; first < rows.rows().end; first += rows.plan().block_rows) {
      blocks.push_back(first / rows.plan().block_rows);
    }
    std::vector<Index> seen(static_cast<std::size_t>(n_rows), 0);
    problem.visit(level, blocks, models, [&](Index row, Label, InSpan) {
      EXPECT_TRUE(row >= rows.rows().begin && row < rows.rows().end);
      ++seen[static_cast<std::size_t>(row)];
    });
    comm_.sum(seen);
    EXPECT_EQ(seen, std::vector<Index>(static_cast<std::size_t>(n_rows), 1));
  }
}

}  // namespace
}  // namespace meha
