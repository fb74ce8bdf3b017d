// SPDX-License-Identifier: MIT
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"

#include <gtest/gtest.h>

#include "meha/core/hash.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/regularisation.hpp"
#include "support/oracle_expectations.hpp"
#include "support/tiny_data.hpp"

namespace meha {
namespace {

using namespace test;

AlgorithmOptions options_with(const std::string& kind, Index batch) {
  AlgorithmOptions options;
  options.alpha = constant(kind == "adam" ? 0.05 : 2.0);
  options.of<MehaOptions>().gamma = 2;
  options.batch_lower = batch;
  options.batch_upper = batch;
  options.of<DirectionOptions>().optimizer_x = kind;
  options.of<DirectionOptions>().optimizer_y = kind == "adam" ? "momentum" : kind;
  options.of<MehaOptions>().optimizer_theta = kind == "momentum" ? "adam" : kind;
  options.of<DirectionOptions>().momentum = 0.5;
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
      options.problem.of<NoiseOptions>() = {.kind = "pair", .rate = 0.25};
      options.problem.of<NetworkOptions>().regularisation = 0.01;
      options.run.precision = batch == 0 ? "float32" : "float64";
      HyperCleaning cleaning(options, comm, best_simd());
      expect_placements_agree(cleaning, block_rows, batch);
    }
  }
}

/// Does not say that y stands in columns.
class AllOfY final : public Problem {
 public:
  explicit AllOfY(Problem& problem) : problem_(problem) {}
  [[nodiscard]] XLayout x_layout() const override { return problem_.x_layout(); }
  [[nodiscard]] Index n_x() const override { return problem_.n_x(); }
  [[nodiscard]] Index n_y() const override { return problem_.n_y(); }
  [[nodiscard]] Index n_rows(Level level) const override { return problem_.n_rows(level); }
  void start(Out x, Out y) const override { problem_.start(x, y); }
  void begin_pass(Level level, std::span<const Probe> probes) override { problem_.begin_pass(level, probes); }
  void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
           const BetweenHalves& between) override {
    problem_.add(level, block, x, probes, shares, between);
  }
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override {
    problem_.add_whole(level, x, probe, share);
  }
  void prox_g(Real step, In x, Out y) const override { problem_.prox_g(step, x, y); }
  void add_grad_x_g(Real factor, In x, In y, Out grad) const override { problem_.add_grad_x_g(factor, x, y, grad); }
  void project_x(Out x) const override { problem_.project_x(x); }

 private:
  Problem& problem_;
};

void expect_columns_change_no_bit(Problem& problem, Index batch, Placement placement) {
  const Communicator comm = Communicator::world();
  ASSERT_NE(problem.column_passes(), nullptr);
  const AlgorithmOptions options = options_with("momentum", batch);
  AllOfY all_of_y(problem);
  const Vec all = ten_steps(all_of_y, options, 3, placement);
  const Vec few = ten_steps(problem, options, 3, placement);
  EXPECT_EQ(comm.min(!comm.is_root() || few == all ? 1 : 0), 1) << "batch " << batch;
  if (comm.is_root()) {
    EXPECT_TRUE(few.allFinite());
    EXPECT_GT(few.tail(problem.n_y()).squaredNorm(), 0);
  }
}

TEST(MehaMpi, FewColumnsOfSparseRowsGiveTheBitsOfAll) {
  SCOPED_TRACE(seed_text());
  const Communicator comm = Communicator::world();
  const TinyData data(comm, {.n_features = 200});
  for (const char* precision : {"float32", "float64"}) {
    for (const Real regularisation : {0.0, 0.01}) {
      Options options = data.sparse_options();
      options.run.block_rows = 3;
      options.run.precision = precision;
      options.problem.of<NetworkOptions>().regularisation = regularisation;
      HyperCleaning cleaning(options, comm, best_simd());
      for (const Index batch : {0, 4}) {
        expect_columns_change_no_bit(cleaning, batch, Placement::Sharded);
      }
      expect_columns_change_no_bit(cleaning, 4, Placement::Root);
    }
  }
  for (const char* penalty : {"l2", "group"}) {
    Options options = data.sparse_options();
    options.run.block_rows = 3;
    options.problem.type = "regularisation";
    options.problem.of<RegularisationOptions>().penalty = penalty;
    Regularisation regularisation(options, comm, best_simd());
    expect_columns_change_no_bit(regularisation, 4, Placement::Sharded);
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
