// SPDX-License-Identifier: MIT
#include "meha/problem/synthetic.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/steps.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "meha/problem/registry.hpp"
#include "meha/solver/registry.hpp"
#include "support/errors.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

/// Chooses open steps at the problem's own start.
std::string choose_at_start(Oracle& oracle, AlgorithmOptions& options) {
  State start;
  start.add("x", oracle.per_row(), oracle.stored_x_size());
  start.add("y", false, oracle.problem().n_y());
  oracle.problem().start(start["x"], start["y"]);
  return choose_steps(oracle, options, start);
}

class StepsTest : public testing::Test {
 protected:
  /// Chooses what is open in options_.algorithm for this synthetic problem.
  std::string choose(const std::string& type, Index n = 10) {
    options_.problem.type = type;
    options_.problem.of<SizeOptions>().n = n;
    const auto problem = make_problem(options_, comm_, best_simd());
    Oracle oracle(*problem, comm_, {});
    return choose_at_start(oracle, options_.algorithm);
  }
  Communicator comm_ = Communicator::world();
  Options options_;
};

TEST_F(StepsTest, GivenStepsStay) {
  options_.algorithm.alpha = constant(0.3);
  options_.algorithm.eta = {.kind = Schedule::Kind::Power, .a = 0.2, .b = 1, .power = -0.5};
  const Schedule eta = options_.algorithm.eta;
  const std::string said = choose("strongly_convex");
  EXPECT_EQ(options_.algorithm.alpha, constant(0.3));
  EXPECT_EQ(options_.algorithm.eta, eta);
  EXPECT_EQ(options_.algorithm.beta.kind, Schedule::Kind::Auto);
  EXPECT_FALSE(options_.algorithm.beta.is_open());
  EXPECT_EQ(said.find("steps chosen: beta = 0."), 0U) << said;
  EXPECT_EQ(choose("strongly_convex"), "");
}

TEST_F(StepsTest, AutoIsTheReciprocalOfTheCurvature) {
  options_.algorithm.of<MehaOptions>().gamma = 5;
  options_.algorithm.of<MehaOptions>().penalty.c = 0.5;
  choose("merely_convex");
  // F/c + f: ½(1 + 1/c) in y₁, 1/c in y₂;  f + 1/(2γ): 1 + 1/γ;  d_x: 1/c + 1/(1 + 1/γ)
  EXPECT_NEAR(options_.algorithm.beta.a, 1 / 3.0, 0.01);
  EXPECT_EQ(options_.algorithm.eta.a, options_.algorithm.beta.a);
  EXPECT_NEAR(options_.algorithm.alpha.a, 1 / (2 + 1 / 1.2), 0.01);
  options_.algorithm.eta = options_.algorithm.beta = automatic();
  options_.algorithm.of<DirectionOptions>().optimizer_y = "adam";
  choose("merely_convex");
  EXPECT_EQ(options_.algorithm.beta.a, 0.01);
  EXPECT_NEAR(options_.algorithm.eta.a, 1 / 1.2, 0.01);
}

TEST_F(StepsTest, SafeFollowsTheFormulas) {
  for (Schedule* step : {&options_.algorithm.alpha, &options_.algorithm.beta, &options_.algorithm.eta}) {
    *step = {.kind = Schedule::Kind::Safe};
  }
  options_.algorithm.of<MehaOptions>().gamma = 0.4;
  options_.algorithm.of<MehaOptions>().penalty.c = 5;
  choose("sine_nonconvex", 3);
  const Real rho = 2.5 - 1;  // 1/γ − ρ
  const Real eta = 2 / (4 + 2.5 + rho);
  const Real l_theta = 4 / rho;
  const Real l_v = 4 * l_theta + l_theta / 0.4;
  const Real c2 = (2.0 / 5 + 4 + l_v) / 2 + (1 + 2 / eta) * (16 + 6.25) * l_theta * l_theta;
  const Real c1 = c2 + eta * l_theta * l_theta * rho / (2 * 0.16);
  EXPECT_NEAR(options_.algorithm.eta.a, eta, 1e-14);
  EXPECT_NEAR(options_.algorithm.alpha.a, 1 / (4 * c1), 1e-16);
  EXPECT_NEAR(options_.algorithm.beta.a, 1 / (4 * c2), 1e-16);
  EXPECT_EQ(options_.algorithm.eta.kind, Schedule::Kind::Safe);
}

TEST_F(StepsTest, SafeNeedsConstantsAndASmallGamma) {
  options_.algorithm.alpha = {.kind = Schedule::Kind::Safe};
  options_.algorithm.of<MehaOptions>().gamma = 1;
  EXPECT_THROW(choose("sine_nonconvex"), Error);
  options_.algorithm.of<MehaOptions>().gamma = 0.9;
  EXPECT_NO_THROW(choose("sine_nonconvex"));
  options_.algorithm.alpha = {.kind = Schedule::Kind::Safe};
  EXPECT_THROW(choose("pbgd_toy"), Error);
}

TEST_F(StepsTest, OneXPerRowMovesALittle) {
  Weighted toy(40, 20);
  Oracle oracle(toy, comm_, {.block_rows = 8});
  AlgorithmOptions options;
  EXPECT_NE(choose_at_start(oracle, options), "");
  EXPECT_GT(options.alpha.a, 0);
  EXPECT_EQ(options.beta.a, options.eta.a);
}

TEST_F(StepsTest, OneXPerRowMovesALittleByAnyOptimizer) {
  constexpr Index n = 40;
  for (const char* optimizer : {"adam", "sgd", "momentum", "ema"}) {
    Weighted toy(n, 20);
    Oracle oracle(toy, comm_, {.block_rows = 8});
    AlgorithmOptions options;
    options.of<DirectionOptions>().optimizer_x = optimizer;
    choose_at_start(oracle, options);
    const auto algorithm = make_algorithm(options, toy);
    State state;
    algorithm->add_fields(oracle, state);
    toy.start(state["x"], state["y"]);
    algorithm->init(oracle, state);
    for (int k = 0; k < 20; ++k) {
      algorithm->step(oracle, state);
    }
    Metrics metrics;
    algorithm->measure(oracle, state, metrics);
    const Real move = *metrics.find("step_norm_x") / std::sqrt(static_cast<Real>(n));
    EXPECT_GT(move, 0.015 / 10) << optimizer;  // roughly: the trial left x where it was
    EXPECT_LT(move, 0.015 * 10) << optimizer;
  }
}

TEST_F(StepsTest, AlphaOfAnXThatNothingMovesMustBeGiven) {
  Weighted toy;
  Oracle oracle(toy, comm_, {.block_rows = 4});
  AlgorithmOptions options;
  options.of<DirectionOptions>().optimizer_x = "sgd";
  options.eta = options.beta = constant(0);  // theta stays at y
  EXPECT_TRUE(
      fails([&] { choose_at_start(oracle, options); }, ExitCode::Config, {"algorithm.alpha", "nothing moves x"}));
}

TEST_F(StepsTest, AStopEndsTheChoice) {
  Weighted toy;
  Oracle oracle(toy, comm_, {.block_rows = 4});
  oracle.poll = [] { return Requests{.stop = true}; };
  AlgorithmOptions options;
  try {
    choose_at_start(oracle, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Stopped);
  }
}

}  // namespace
}  // namespace meha
