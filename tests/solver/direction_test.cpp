// SPDX-License-Identifier: MIT
#include "meha/solver/direction.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;
using test::random_vector;

constexpr Index n = 5;
// The restatements make the same few roundings in another order.
constexpr Real rounding = 1e-13;

AlgorithmOptions options() {
  AlgorithmOptions all;
  all.of<DirectionOptions>().momentum = 0.7;
  all.of<DirectionOptions>().adam = {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-2};
  return all;
}

TEST(Direction, SgdLeavesDAloneAndRemembersNothing) {
  Direction direction("y", "sgd", options(), 0);
  State state;
  direction.add_fields(state, n);
  EXPECT_TRUE(state.fields().empty());
  Vec d = random_vector(n, 1);
  const Vec before = d;
  direction.apply(state, {0, n}, 1, as_span(d));
  EXPECT_EQ(d, before);
}

TEST(Direction, MomentumAndEmaAreTheirRecurrences) {
  SCOPED_TRACE(test::seed_text());
  for (const bool ema : {false, true}) {
    Direction direction("y", ema ? "ema" : "momentum", options(), 0);
    State state;
    direction.add_fields(state, n);
    ASSERT_EQ(state.fields().size(), 1U);
    EXPECT_EQ(state.fields()[0].name, "y_momentum");
    EXPECT_FALSE(state.fields()[0].per_row);
    Real m[n] = {};
    for (Index t = 1; t <= 6; ++t) {
      Vec d = random_vector(n, t);
      const Vec fresh = d;
      direction.apply(state, {0, n}, t, as_span(d));
      for (Index i = 0; i < n; ++i) {
        m[i] = 0.7 * m[i] + (ema ? 0.3 : 1.0) * fresh[i];
        EXPECT_NEAR(d[i], m[i], rounding);
        EXPECT_EQ(state["y_momentum"][i], d[i]);
      }
    }
  }
}

struct ScalarAdam {
  Real epsilon;
  Real m = 0, v = 0;
  int t = 0;
  Real direction(Real d) {
    ++t;
    m = 0.8 * m + 0.2 * d;
    v = 0.95 * v + 0.05 * d * d;
    return m / (1 - std::pow(0.8, t)) / (std::sqrt(v / (1 - std::pow(0.95, t))) + epsilon);
  }
};

TEST(Direction, SharedAdamCountsSteps) {
  SCOPED_TRACE(test::seed_text());
  Direction direction("theta", "adam", options(), 0);
  State state;
  direction.add_fields(state, n);
  ASSERT_EQ(state.fields().size(), 2U);
  EXPECT_EQ(state.fields()[0].name, "theta_adam_m");
  EXPECT_EQ(state.fields()[1].name, "theta_adam_v");
  std::vector<ScalarAdam> expected(n, {.epsilon = 1e-2});
  for (Index t = 1; t <= 8; ++t) {
    Vec d = random_vector(n, t, 0.1);
    const Vec fresh = d;
    direction.apply(state, {0, n}, t, as_span(d));
    for (Index i = 0; i < n; ++i) {
      EXPECT_NEAR(d[i], expected[static_cast<std::size_t>(i)].direction(fresh[i]), rounding) << "t = " << t;
    }
  }
}

// Rows are visited at random; each has its own count, whatever t is, and ε is divided by the number of rows.
TEST(Direction, PerRowAdamCountsEachRowsVisits) {
  SCOPED_TRACE(test::seed_text());
  constexpr Index n_rows = 50;
  constexpr Index stored = 12;
  Direction direction("x", "adam", options(), n_rows);
  State state;
  direction.add_fields(state, stored);
  ASSERT_EQ(state.fields().size(), 3U);
  for (const Field& field : state.fields()) {
    EXPECT_TRUE(field.per_row);
  }
  std::vector<ScalarAdam> expected(stored, {.epsilon = 1e-2 / n_rows});
  for (Index t = 1; t <= 40; ++t) {
    const Index first = random_below(stored, test::seed(), Stream::Check, 1, t);
    const Range rows{first, first + 1 + random_below(stored - first, test::seed(), Stream::Check, 2, t)};
    Vec d = random_vector(rows.size(), t, 0.1 / n_rows);
    const Vec fresh = d;
    direction.apply(state, rows, t, as_span(d));
    for (Index i = 0; i < rows.size(); ++i) {
      const Real correct = expected[static_cast<std::size_t>(rows.begin + i)].direction(fresh[i]);
      EXPECT_NEAR(d[i], correct, rounding * std::max(1.0, std::fabs(correct))) << "t = " << t;
    }
  }
  for (Index i = 0; i < stored; ++i) {
    EXPECT_EQ(state["x_visits"][i], expected[static_cast<std::size_t>(i)].t);
  }
}

TEST(Direction, PerRowMomentumTouchesOnlyTheRowsVisited) {
  Direction direction("x", "momentum", options(), 50);
  State state;
  direction.add_fields(state, n);
  Vec d = Vec::Ones(2);
  direction.apply(state, {1, 3}, 1, as_span(d));
  d = Vec::Ones(2);
  direction.apply(state, {2, 4}, 2, as_span(d));
  EXPECT_EQ(state["x_momentum"], (Vec(5) << 0, 1, 1.7, 1, 0).finished());
  EXPECT_EQ(d, (Vec(2) << 1.7, 1).finished());
}

}  // namespace
}  // namespace meha
