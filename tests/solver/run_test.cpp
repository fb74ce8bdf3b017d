// SPDX-License-Identifier: MIT
#include "meha/solver/direction.hpp"
#include "meha/solver/run.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "meha/solver/bome.hpp"
#include "meha/solver/meha.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;
using Iterations = std::vector<Index>;

/// Remembers when it was called, and looks at what it is shown.
class Notes final : public Observer {
 public:
  Iterations steps, reports, checkpoints;
  History lines;
  bool all_finite = true;
  std::function<void(Index)> after_step;

  void forget() {
    lines = {};
    steps.clear();
    reports.clear();
    checkpoints.clear();
    all_finite = true;
    after_step = {};
  }
  void stepped(Index iteration) override {
    steps.push_back(iteration);
    if (after_step) {
      after_step(iteration);
    }
  }
  const History& history() const override { return lines; }
  void report(const Metrics& metrics) override {
    lines.push_back(metrics);
    reports.push_back(metrics.iteration);
    all_finite = all_finite && metrics.find("upper_value").has_value();
  }
  void checkpoint(const State& state) override {
    checkpoints.push_back(state.iteration);
    for (const Field& field : state.fields()) {
      all_finite = all_finite && field.values.allFinite();
    }
  }
};

AlgorithmOptions mild() {
  AlgorithmOptions options;
  options.of<DirectionOptions>().optimizer_x = "sgd";
  options.alpha = constant(0.1);
  return options;
}

class RunTest : public testing::Test {
 protected:
  void start(const AlgorithmOptions& options = mild()) {
    oracle_.emplace(toy_, comm_, Oracle::Setup{.block_rows = 4});
    oracle_->poll = [this] { return asked_; };
    algorithm_.emplace(options, toy_);
    state_ = State();
    algorithm_->add_fields(*oracle_, state_);
    toy_.start(state_["x"], state_["y"]);
    algorithm_->init(*oracle_, state_);
  }
  Status run_to(const RunPlan& plan, Index last_reported = -1) {
    return run(*algorithm_, *oracle_, state_, plan, last_reported, notes_);
  }

  Communicator comm_ = Communicator::world();
  Weighted toy_;
  std::optional<Oracle> oracle_;
  std::optional<Meha> algorithm_;
  State state_;
  Requests asked_;
  Notes notes_;
};

TEST_F(RunTest, EndsWithACheckpointAndNoReportWhenItIsUnbalanced) {
  start();
  const auto at_7 = [](Index iteration) { return iteration == 7; };
  EXPECT_EQ(run_to({.iterations = 10, .report_every = 4, .checkpoint_every = 5, .is_unbalanced = at_7}),
            Status::Unbalanced);
  EXPECT_EQ(notes_.reports, Iterations({0, 4}));
  EXPECT_EQ(notes_.checkpoints, Iterations({5, 7}));
  EXPECT_EQ(run_to({.iterations = 10, .report_every = 4, .checkpoint_every = 5, .is_unbalanced = at_7}, 4),
            Status::Finished);
  EXPECT_EQ(notes_.reports, Iterations({0, 4, 8, 10}));
  EXPECT_EQ(notes_.checkpoints, Iterations({5, 7, 10}));
}

TEST_F(RunTest, ReportsAtZeroAtMultiplesAndAtTheEnd) {
  start();
  EXPECT_EQ(run_to({.iterations = 10, .report_every = 4, .checkpoint_every = 3}), Status::Finished);
  EXPECT_EQ(notes_.steps, Iterations({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(notes_.reports, Iterations({0, 4, 8, 10}));
  EXPECT_EQ(notes_.checkpoints, Iterations({3, 6, 9, 10}));
  EXPECT_TRUE(notes_.all_finite);
}

TEST_F(RunTest, AnEndThatIsAMultipleIsReportedAndWrittenOnce) {
  start();
  EXPECT_EQ(run_to({.iterations = 6, .report_every = 3, .checkpoint_every = 2}), Status::Finished);
  EXPECT_EQ(notes_.reports, Iterations({0, 3, 6}));
  EXPECT_EQ(notes_.checkpoints, Iterations({2, 4, 6}));
}

TEST_F(RunTest, WithoutACadenceOnlyTheEndIsWritten) {
  start();
  EXPECT_EQ(run_to({.iterations = 5, .report_every = 100, .checkpoint_every = 0}), Status::Finished);
  EXPECT_EQ(notes_.reports, Iterations({0, 5}));
  EXPECT_EQ(notes_.checkpoints, Iterations({5}));
}

TEST_F(RunTest, ZeroIterationsReportAndWriteTheStart) {
  start();
  EXPECT_EQ(run_to({.iterations = 0, .report_every = 5, .checkpoint_every = 5}), Status::Finished);
  EXPECT_EQ(notes_.steps, Iterations());
  EXPECT_EQ(notes_.reports, Iterations({0}));
  EXPECT_EQ(notes_.checkpoints, Iterations({0}));
}

TEST_F(RunTest, AResumedLifeDoesNotRepeatReports) {
  start();
  (void)run_to({.iterations = 4, .report_every = 4, .checkpoint_every = 4});
  notes_.forget();
  EXPECT_EQ(run_to({.iterations = 9, .report_every = 4, .checkpoint_every = 4}, 4), Status::Finished);
  EXPECT_EQ(notes_.reports, Iterations({8, 9}));
  EXPECT_EQ(notes_.checkpoints, Iterations({8, 9}));
  notes_.forget();
  EXPECT_EQ(run_to({.iterations = 9, .report_every = 4, .checkpoint_every = 4}, 9), Status::Finished);
  EXPECT_EQ(notes_.steps, Iterations());
  EXPECT_EQ(notes_.reports, Iterations());
  EXPECT_EQ(notes_.checkpoints, Iterations());
}

TEST_F(RunTest, InterruptedRunsHaveTheBitsOfUninterruptedOnes) {
  start();
  (void)run_to({.iterations = 12, .report_every = 5});
  const Vec x = state_["x"];
  const Vec y = state_["y"];
  const Vec theta = state_["theta"];
  start();
  (void)run_to({.iterations = 7, .report_every = 2, .checkpoint_every = 3});
  (void)run_to({.iterations = 12, .report_every = 5}, 7);
  EXPECT_EQ(state_["x"], x);
  EXPECT_EQ(state_["y"], y);
  EXPECT_EQ(state_["theta"], theta);
}

TEST_F(RunTest, AStopFinishesTheStepReportsAndWrites) {
  for (const bool time : {false, true}) {
    asked_ = {};
    start();
    notes_.forget();
    notes_.after_step = [&](Index k) {
      asked_.stop = k >= 3 && !time;
      asked_.time_limit = k >= 3 && time;
    };
    EXPECT_EQ(run_to({.iterations = 100, .report_every = 50, .checkpoint_every = 50}),
              time ? Status::TimeLimit : Status::Stopped);
    EXPECT_EQ(notes_.steps, Iterations({1, 2, 3, 4}));
    EXPECT_EQ(notes_.reports, Iterations({0, 4}));
    EXPECT_EQ(notes_.checkpoints, Iterations({4}));
  }
}

TEST_F(RunTest, AStopInTheLastStepIsAFinish) {
  start();
  notes_.after_step = [&](Index k) { asked_.stop = k >= 2; };
  EXPECT_EQ(run_to({.iterations = 3, .report_every = 50}), Status::Finished);
  EXPECT_EQ(notes_.checkpoints, Iterations({3}));
}

TEST_F(RunTest, AStopDuringThePrologueWritesTheStart) {
  asked_.stop = true;
  start();
  EXPECT_EQ(run_to({.iterations = 3, .report_every = 50}), Status::Stopped);
  EXPECT_EQ(notes_.steps, Iterations());
  EXPECT_EQ(notes_.reports, Iterations({0}));
  EXPECT_EQ(notes_.checkpoints, Iterations({0}));
}

TEST_F(RunTest, ACheckpointOnRequestIsWrittenOnceAndTheRunGoesOn) {
  start();
  notes_.after_step = [&](Index k) { asked_.checkpoint = k == 2; };
  EXPECT_EQ(run_to({.iterations = 6, .report_every = 50}), Status::Finished);
  EXPECT_EQ(notes_.checkpoints, Iterations({3, 6}));
}

// A signal is taken by one sweep: that of the report at 0, or that of the first step, before the report at 1.
TEST_F(RunTest, ACheckpointAskedForInAnySweepIsWrittenAtOnce) {
  for (const Index asking_sweep : {0, 1}) {
    start();
    notes_.forget();
    Index n_sweeps = 0;
    oracle_->poll = [&] { return Requests{.checkpoint = n_sweeps++ == asking_sweep}; };
    EXPECT_EQ(run_to({.iterations = 4, .report_every = 1}), Status::Finished);
    EXPECT_EQ(notes_.checkpoints, Iterations({asking_sweep, 4}));
  }
}

TEST_F(RunTest, WhatIsNotFiniteIsNeitherReportedNorWritten) {
  const Schedule explosive{.kind = Schedule::Kind::Power, .a = 0.1, .b = 1, .power = 200};
  const Schedule infinite_at_once{.kind = Schedule::Kind::Power, .a = 0.1, .b = 0, .power = -0.5};
  for (const Schedule& schedule : {explosive, infinite_at_once}) {
    for (const char* variable : {"y", "theta", "x"}) {
      for (const RunPlan& plan : {RunPlan{.iterations = 500, .report_every = 1, .checkpoint_every = 1},
                                  RunPlan{.iterations = 500, .report_every = 1000, .checkpoint_every = 1},
                                  RunPlan{.iterations = 500, .report_every = 1, .checkpoint_every = 0},
                                  RunPlan{.iterations = 1, .report_every = 1000, .checkpoint_every = 0}}) {
        AlgorithmOptions options = mild();
        (*variable == 'x' ? options.alpha : *variable == 'y' ? options.beta : options.eta) = schedule;
        toy_.smooth = true;
        start(options);
        notes_.forget();
        const Status status = run_to(plan);
        EXPECT_TRUE(notes_.all_finite) << variable << " " << schedule.toml() << " " << plan.report_every;
        if (plan.iterations > 1) {
          EXPECT_EQ(status, Status::NotFinite) << variable << " " << schedule.toml();
          EXPECT_LT(notes_.steps.size(), 500U);
        }
      }
    }
  }
}

TEST_F(RunTest, SweepsOfAReportCountAsEvaluation) {
  start();
  oracle_->timings = {};
  const Metrics metrics = measure(*algorithm_, *oracle_, state_);
  EXPECT_EQ(metrics.iteration, 0);
  EXPECT_TRUE(metrics.find("gap").has_value());
  EXPECT_EQ(oracle_->timings.compute, 0);
  EXPECT_EQ(oracle_->timings.allreduce, 0);
  EXPECT_GT(oracle_->timings.evaluate, 0);
}

TEST_F(RunTest, AStopRuleEndsWithAReportAndACheckpoint) {
  start();
  EXPECT_EQ(run_to({.iterations = 1000, .report_every = 3, .stop_residual = 1e3}), Status::Converged);
  EXPECT_EQ(notes_.checkpoints, (Iterations{3}));
  EXPECT_EQ(notes_.reports, (Iterations{0, 3}));
}

TEST_F(RunTest, AStopRuleHoldsWhenTheRunIsResumedAtItsReport) {
  start();
  const RunPlan plan{.iterations = 1000, .report_every = 3, .stop_residual = 1e3};
  EXPECT_EQ(run_to(plan), Status::Converged);
  EXPECT_EQ(run_to(plan, 3), Status::Converged);
  EXPECT_EQ(state_.iteration, 3);
}

TEST_F(RunTest, AStopRuleIgnoresAReportThatAnInterruptionCalledFor) {
  start();
  notes_.after_step = [this](Index k) { asked_.stop = k >= 3; };
  EXPECT_EQ(run_to({.iterations = 1000, .report_every = 100, .stop_residual = 1e3}), Status::Stopped);
}

class SmoothWeighted final : public Weighted {
 public:
  SmoothWeighted() { smooth = true; }
  [[nodiscard]] bool has_g() const override { return false; }
};

// Each step of BOME opens several sweeps: what is asked for in any of them, or is not finite in any, must not be lost.
TEST(RunOfSeveralSweeps, WhatAnySweepOfAStepFindsOutIsActedOn) {
  Communicator comm = Communicator::world();
  SmoothWeighted toy;
  AlgorithmOptions options;
  options.of<DirectionOptions>().optimizer_x = "sgd";
  options.alpha = options.beta = options.eta = constant(0.1);
  options.of<BomeOptions>().inner = 3;
  constexpr int polls_of_report = 1, polls_of_step = 4;  // of State_0; inner + 1 sweeps
  for (int asked_at = 0; asked_at < polls_of_step; ++asked_at) {
    Bome bome(options, toy);
    Oracle oracle(toy, comm, {.block_rows = 4});
    int n_polls = 0;
    oracle.poll = [&] { return Requests{.checkpoint = n_polls++ == polls_of_report + asked_at}; };
    State state;
    bome.add_fields(oracle, state);
    toy.start(state["x"], state["y"]);
    bome.init(oracle, state);
    Notes notes;
    EXPECT_EQ(run(bome, oracle, state, {.iterations = 3, .report_every = 100}, -1, notes), Status::Finished);
    EXPECT_EQ(notes.checkpoints, (Iterations{1, 3})) << "asked at sweep " << asked_at;
    state["y"].setConstant(1e200);  // whose gradients are too large in the first sweep and in all others
    EXPECT_EQ(run(bome, oracle, state, {.iterations = 5, .report_every = 100}, 3, notes), Status::NotFinite);
  }
}

}  // namespace
}  // namespace meha
