// SPDX-License-Identifier: MIT
#include "meha/solver/meha.hpp"

#include <gtest/gtest.h>

#include "meha/core/hash.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "support/oracle_expectations.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using namespace test;

AlgorithmOptions options_with(const std::string& kind, Index batch) {
  AlgorithmOptions options;
  options.alpha = constant(kind == "adam" ? 0.05 : 2.0);
  options.gamma = 2;
  options.batch_lower = batch;
  options.batch_upper = batch;
  options.optimizer_x = kind;
  options.optimizer_y = kind == "adam" ? "momentum" : kind;
  options.optimizer_theta = kind == "momentum" ? "adam" : kind;
  options.momentum = 0.5;
  return options;
}

/// The whole State on rank 0 after ten steps; on the way, y and θ must be the same on every rank.
Vec ten_steps(Problem& problem, const AlgorithmOptions& options, Index block_rows, Placement placement) {
  Communicator comm = Communicator::world();
  Oracle oracle(problem, comm,
                {.block_rows = block_rows,
                 .seed = 4,
                 .batch_lower = options.batch_lower,
                 .batch_upper = options.batch_upper,
                 .placement = placement});
  Meha meha(options, problem);
  State state;
  meha.add_fields(oracle, state);
  problem.start(state["x"], state["y"]);
  meha.init(oracle, state);
  for (int k = 0; k < 10; ++k) {
    meha.step(oracle, state);
  }
  EXPECT_FALSE(oracle.agreed().not_finite);
  Hasher hasher;
  hasher.add_values(as_span(std::as_const(state["y"])));
  hasher.add_values(as_span(std::as_const(state["theta"])));
  if (!oracle.per_row()) {
    hasher.add_values(as_span(std::as_const(state["x"])));
  }
  const auto hash = static_cast<Index>(hasher.value() >> 1U);
  EXPECT_EQ(comm.min(hash), -comm.min(-hash)) << "replicated fields differ between ranks";
  return whole_state(oracle, comm, state);
}

void expect_placements_agree(Problem& problem, Index block_rows, Index batch) {
  const Communicator comm = Communicator::world();
  for (const char* kind : {"sgd", "momentum", "ema", "adam"}) {
    const AlgorithmOptions options = options_with(kind, batch);
    const Vec sharded = ten_steps(problem, options, block_rows, Placement::Sharded);
    const Vec root = ten_steps(problem, options, block_rows, Placement::Root);
    EXPECT_EQ(comm.min(!comm.is_root() || sharded == root ? 1 : 0), 1)
        << kind << ", blocks of " << block_rows << ", batch " << batch;
    if (comm.is_root()) {
      EXPECT_TRUE(sharded.allFinite());
    }
  }
}

TEST(MehaMpi, PlacementDoesNotChangeABitOfState) {
  SCOPED_TRACE(seed_text());
  const Communicator comm = Communicator::world();
  for (const Index batch : {0, 7}) {
    for (const Index block_rows : {3, 40}) {
      Weighted toy(32, 14);
      expect_placements_agree(toy, block_rows, batch);
      const TinyData data(comm, {});
      Options options = data.options();
      options.run.block_rows = block_rows;
      options.problem.noise = {.kind = "pair", .rate = 0.25};
      options.problem.regularisation = 0.01;
      options.run.precision = batch == 0 ? "float32" : "float64";
      HyperCleaning cleaning(options, comm, best_simd());
      expect_placements_agree(cleaning, block_rows, batch);
    }
  }
}

TEST(MehaMpi, SharedXIsTheSameOnEveryRank) {
  SCOPED_TRACE(seed_text());
  for (const char* kind : {"sgd", "adam"}) {
    Coupled toy(32, 14);
    (void)ten_steps(toy, options_with(kind, 0), 3, Placement::Sharded);
    (void)ten_steps(toy, options_with(kind, 6), 3, Placement::Sharded);
  }
}

}  // namespace
}  // namespace meha
