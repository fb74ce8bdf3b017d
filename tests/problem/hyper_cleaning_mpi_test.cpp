// SPDX-License-Identifier: MIT
#include "meha/data/data_options.hpp"
#include "meha/problem/hyper_cleaning.hpp"

#include <gtest/gtest.h>

#include "meha/comm/ranking.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

constexpr Index n_train = 40;
constexpr Index n_features = 12;

// With y = 0 except one weight W[0][f] = 1, the loss of a row reveals its feature f, and so the row.
TEST(HyperCleaningMpi, EachRankComputesItsOwnRowsAndTogetherTheyAreAll) {
  SCOPED_TRACE(test::seed_text());
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {.n_train = n_train});
  HyperCleaning problem(data.options(), comm, best_simd());
  const BlockPlan plan{.n_rows = n_train, .block_rows = data.options().run.block_rows};
  const Range blocks = owned_blocks(plan.n_blocks(), comm.rank(), comm.size());
  Vec n_right = Vec::Zero(n_train);
  const Vec x = Vec::Zero(plan.block_rows);
  for (Index f = 0; f < n_features; ++f) {
    Vec y = Vec::Zero(problem.n_y());
    y[f] = 1;
    const Probe probe{.y = as_span(std::as_const(y)), .want = Want::GradX};
    problem.begin_pass(Level::Lower, {&probe, 1});
    for (Index id = blocks.begin; id < blocks.end; ++id) {
      const Block block{.id = id, .rows = plan.rows(id), .n_rows_in_pass = 1};
      Vec grad_x(block.rows.size());
      Share share{.value = 0, .grad_x = as_span(grad_x), .grad_y = {}};
      problem.add(Level::Lower, block, slice(as_span(x), {0, block.rows.size()}), {&probe, 1}, {&share, 1}, {});
      for (Index i = block.rows.begin; i < block.rows.end; ++i) {
        const Real z = data.feature("train", i, f) / 255.0;
        const Real loss = std::log(std::exp(z) + 2) - (data.label("train", i) == 0 ? z : 0);
        n_right[i] += std::fabs(grad_x[i - block.rows.begin] - 0.25 * loss) < 1e-14 ? 1 : 0;
      }
    }
  }
  comm.sum(as_span(n_right));
  EXPECT_EQ(n_right, Vec::Constant(n_train, n_features));
}

TEST(HyperCleaningMpi, PredictionsAndTalliesOfAllRanksCoverTheRowsOnce) {
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {.n_train = n_train});
  Options options = data.options();
  options.problem.of<NoiseOptions>() = {.kind = "pair", .rate = 0.5};
  HyperCleaning problem(options, comm, best_simd());
  const Vec y = Vec::Zero(problem.n_y());
  const BlockPlan plan{.n_rows = n_train, .block_rows = options.run.block_rows};
  const Range mine = owned_rows(plan, comm.rank(), comm.size());
  const SampleLabels& samples = problem.cross_fit().labels();
  EXPECT_EQ(samples.rows, mine);
  EXPECT_EQ(samples.class_names.size(), 3U);
  Vec x(mine.size());  // keeps exactly the clean rows
  for (Index row = mine.begin; row < mine.end; ++row) {
    const auto at = static_cast<std::size_t>(row - mine.begin);
    const bool clean = samples.is_clean.at(at) != 0;
    EXPECT_EQ(samples.source_row.at(at), row);
    EXPECT_EQ(samples.truth.at(at), data.label("train", row));
    EXPECT_EQ(samples.given.at(at) == samples.truth.at(at), clean);
    x[row - mine.begin] = clean ? 1 : -1;
  }
  Vec tallies = Vec::Zero(problem.n_tallies());
  const Range blocks = owned_blocks(plan.n_blocks(), comm.rank(), comm.size());
  for (Index id = blocks.begin; id < blocks.end; ++id) {
    const Range rows = plan.rows(id);
    problem.tally(Level::Lower, {.id = id, .rows = rows, .n_rows_in_pass = n_train},
                  slice(as_span(std::as_const(x)), {rows.begin - mine.begin, rows.end - mine.begin}), as_span(y),
                  as_span(tallies));
  }
  comm.sum(as_span(tallies));
  EXPECT_EQ(auroc(comm, as_span(x), problem.cross_fit().labels().is_clean), 1);
  if (comm.is_root()) {
    Metrics metrics;
    problem.measure(as_span(std::as_const(tallies)), Vec(), y, metrics);
    EXPECT_EQ(metrics.find("rows_kept"), 20);
    EXPECT_EQ(metrics.find("precision"), 1);
    EXPECT_EQ(metrics.find("recall"), 1);
  }
}

TEST(HyperCleaningMpi, AMissingFileFailsOnEveryRank) {
  const Communicator comm = Communicator::world();
  const test::TinyData data(comm, {});
  Options options = data.options();
  options.problem.of<DataOptions>().train_labels.value += "_missing";
  Index code = 0;
  try {
    const HyperCleaning problem(options, comm, best_simd());
  } catch (const Error& error) {
    code = static_cast<Index>(error.code());
  }
  EXPECT_EQ(code, static_cast<Index>(ExitCode::Data));
}

}  // namespace
}  // namespace meha
