// SPDX-License-Identifier: MIT
#include "meha/solver/best_state.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

const std::vector<Variable> variables = {{"x", "algorithm.alpha"}, {"y", "algorithm.beta"}, {"theta", "algorithm.eta"}};

Metrics held_out(Real value) {
  return {.iteration = 0, .values = {{"holdout_value", value}}};
}

TEST(BestState, TheSmallestLossIsTheBest) {
  EXPECT_TRUE(is_better(held_out(1), {}));
  EXPECT_FALSE(is_better({}, {}));
  EXPECT_FALSE(is_better({}, held_out(1)));
  EXPECT_TRUE(is_better(held_out(0.9), held_out(1)));
  EXPECT_FALSE(is_better(held_out(1), held_out(1)));
}

class KeepingTest : public testing::Test {
 protected:
  KeepingTest() {
    state_.add("x", true, 2);
    state_.add("y", false, 3);
    state_.add("theta", false, 3);
    state_.add("y_momentum", false, 3);
  }
  void pass(Index iteration, const Metrics& metrics) {
    state_.iteration = iteration;
    for (const char* name : {"x", "y", "theta"}) {
      state_[name].setConstant(static_cast<Real>(iteration));
    }
    keep_if_best(Communicator::world(), state_, metrics);
  }
  State state_;
};

TEST_F(KeepingTest, TheBestStaysBesideTheCurrentUntilItIsChosen) {
  add_best_state(state_, variables);
  pass(0, {});
  EXPECT_EQ(solution_iteration(state_), 0);
  pass(10, held_out(5));
  pass(20, held_out(1));
  pass(30, held_out(1.5));
  EXPECT_EQ(state_["y"], Vec::Constant(3, 30));
  EXPECT_EQ(state_["best_x"], Vec::Constant(2, 20));
  EXPECT_TRUE(state_.field("best_x").per_row);
  EXPECT_EQ(solution_iteration(state_), 20);
  choose_best(state_);
  EXPECT_EQ(state_.iteration, 20);
  EXPECT_EQ(state_.fields().size(), 3U);
  EXPECT_TRUE(state_.field("x").per_row);
  for (const char* name : {"x", "y", "theta"}) {
    EXPECT_TRUE((state_[name].array() == 20).all()) << name;
  }
}

TEST_F(KeepingTest, AMethodWithoutThetaKeepsWhatItHas) {
  State state;
  state.add("x", true, 2);
  state.add("y", false, 3).setConstant(4);
  add_best_state(state, std::span(variables).first(2));
  state.iteration = 5;
  keep_if_best(Communicator::world(), state, held_out(1));
  state["y"].setConstant(9);
  state.iteration = 6;
  choose_best(state);
  EXPECT_EQ(state.iteration, 5);
  EXPECT_EQ(state.fields().size(), 2U);
  EXPECT_EQ(state["y"], Vec::Constant(3, 4));
}

TEST_F(KeepingTest, WithoutHeldOutRowsNothingHappens) {
  pass(10, held_out(1));
  choose_best(state_);
  EXPECT_EQ(solution_iteration(state_), 10);
  EXPECT_EQ(state_.fields().size(), 4U);
}

TEST_F(KeepingTest, BeforeTheFirstReportTheCurrentStateIsTheSolution) {
  add_best_state(state_, variables);
  state_.iteration = 7;
  EXPECT_EQ(solution_iteration(state_), 7);
  choose_best(state_);
  EXPECT_EQ(state_.iteration, 7);
}

}  // namespace
}  // namespace meha
