// SPDX-License-Identifier: MIT
// Ranks whose y differ end a run before its next checkpoint; rows of x, which each rank has its own of, may differ.
#include "meha/solver/run.hpp"

#include <gtest/gtest.h>

#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

class Checkpoints final : public Observer {
 public:
  void stepped(Index iteration) override {
    if (after_step) {
      after_step(iteration);
    }
  }
  const History& history() const override { return lines_; }
  void report(const Metrics& metrics) override { lines_.push_back(metrics); }
  void checkpoint(const State& state) override { iterations.push_back(state.iteration); }

  std::vector<Index> iterations;
  std::function<void(Index)> after_step;

 private:
  History lines_;
};

TEST(RunMpi, RanksThatDifferEndTheRunBeforeItsCheckpoint) {
  Communicator comm = Communicator::world();
  Weighted toy;
  Oracle oracle(toy, comm, {.block_rows = 1, .placement = Placement::Sharded});
  AlgorithmOptions options;
  options.of<DirectionOptions>().optimizer_x = "sgd";
  options.alpha = constant(0.1);
  Meha algorithm(options, toy);
  State state;
  algorithm.add_fields(oracle, state);
  toy.start(state["x"], state["y"]);
  algorithm.init(oracle, state);
  Checkpoints seen;
  EXPECT_EQ(run(algorithm, oracle, state, {.iterations = 4, .report_every = 2, .checkpoint_every = 2}, -1, seen),
            Status::Finished);
  EXPECT_EQ(seen.iterations, std::vector<Index>({2, 4}));
  const int differs = comm.size() - 1;
  seen.after_step = [&](Index iteration) {
    if (iteration == 5 && comm.rank() == differs && differs > 0) {
      state["y"][2] = std::nextafter(state["y"][2], 10);
    }
  };
  std::string text;
  try {
    run(algorithm, oracle, state, {.iterations = 8, .report_every = 4, .checkpoint_every = 2}, 4, seen);
  } catch (const Error& error) {
    text = error.what();
  }
  const bool is_right = differs == 0 ? text.empty() : text.find("differs between ranks in iteration 6") < text.size();
  EXPECT_EQ(comm.min(is_right ? 1 : 0), 1) << text;
  EXPECT_EQ(seen.iterations.size(), differs == 0 ? 4U : 2U);
}

}  // namespace
}  // namespace meha
