// SPDX-License-Identifier: MIT
#include "meha/solver/oracle.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/oracle_expectations.hpp"

namespace meha {
namespace {

using namespace test;

constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();

// ∇F/c is rounded to 2^-64 once in the joined sum and twice apart; reading back adds an ulp of numbers about 1.
TEST(Oracle, JoinedSumsAreSeparateSums) {
  SCOPED_TRACE(seed_text());
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = random_vector(3, 1, 0.4);
  const Vec y = random_vector(4, 2);
  constexpr Real factor = 1 / 0.37;
  auto apart = oracle.full_sweep(x);
  const Result& lower = apart.lower(y, Want::GradX | Want::GradY);
  const Result& upper = apart.upper(y, Want::GradX | Want::GradY);
  apart.run();
  const Vec grad_x = lower.grad_x + factor * upper.grad_x;
  const Vec grad_y = lower.grad_y + factor * upper.grad_y;
  auto joined = oracle.full_sweep(x);
  const Result& other = joined.lower(y, Want::GradX | Want::GradY);
  const Result& both = joined.lower(y, Want::GradX | Want::GradY);
  joined.add_upper(y, Want::GradX | Want::GradY, factor, both);
  joined.run();
  EXPECT_LE((both.grad_x - grad_x).cwiseAbs().maxCoeff(), 1e-15 * 10);
  EXPECT_LE((both.grad_y - grad_y).cwiseAbs().maxCoeff(), 1e-15 * 10);
  EXPECT_NE(other.grad_y, both.grad_y);
}

TEST(Oracle, JoiningAResultOfAnotherSweepIsABug) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  const Result foreign;
  auto sweep = oracle.full_sweep(x);
  EXPECT_THROW(sweep.add_upper(y, Want::GradY, 1, foreign), Error);
}

TEST(Oracle, SizesFollowWhatIsWanted) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  auto sweep = oracle.full_sweep(x);
  const Result& value = sweep.lower(y, Want::Value);
  const Result& grad_y = sweep.upper(y, Want::GradY);
  sweep.run();
  EXPECT_GT(value.value, 0);
  EXPECT_EQ(value.grad_x.size() + value.grad_y.size() + grad_y.grad_x.size(), 0);
  EXPECT_EQ(grad_y.grad_y.size(), 4);
}

TEST(Oracle, RowStepSumsEveryRowOnce) {
  Communicator comm = Communicator::world();
  for (const Index batch : {0, 6}) {
    Weighted toy(32, 14);
    Oracle oracle(toy, comm, {.block_rows = 3, .seed = 1, .batch_lower = batch});
    Vec x = Vec::Constant(32, 0.9);
    const Vec y = random_vector(4, 2);
    auto sweep = oracle.sweep(x, 4);
    const Result& at_y = sweep.lower(y, Want::GradX | Want::GradY);
    Vec n_visits = Vec::Zero(32);
    sweep.between_halves([&](Range rows, RowSums& sums) {
      for (Index i = rows.begin; i < rows.end; ++i) {
        EXPECT_GT(at_y.grad_x[i], 0);
        sums.residual_square += static_cast<Real>(i + 1) / 1024;
        sums.step_square += static_cast<Real>(i + 1);
        n_visits[i] += 1;
      }
    });
    sweep.run();
    Real expected = 0;
    for (Index i = 0; i < 32; ++i) {
      expected += n_visits[i] * static_cast<Real>(i + 1);
    }
    EXPECT_EQ(n_visits.maxCoeff(), 1);
    EXPECT_EQ(n_visits.sum(), batch == 0 ? 32 : 6);
    EXPECT_EQ(sweep.row_sums().step_square, expected);
    EXPECT_EQ(sweep.row_sums().residual_square, expected / 1024);
  }
}

/// A Coupled problem that spoils what it is told to.
class Spoilt final : public Coupled {
 public:
  Want spoil = Want::Nothing;
  Real with = nan;
  RowTerm row(Level level, Index i, InSpan x, InSpan y) const override {
    RowTerm term = Coupled::row(level, i, x, y);
    if (level == Level::Lower && i == 7) {
      term.value = has(spoil, Want::Value) ? with : term.value;
      term.grad_x[1] = has(spoil, Want::GradX) ? with : term.grad_x[1];
      term.grad_y[1] = has(spoil, Want::GradY) ? with : term.grad_y[1];
    }
    return term;
  }
};

TEST(Oracle, WhatIsNotFiniteOrTooLargeIsFlagged) {
  Communicator comm = Communicator::world();
  Spoilt toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  const auto flagged = [&](bool with_row_step) {
    auto sweep = oracle.full_sweep(x);
    (void)sweep.lower(y, Want::Value | Want::GradX | Want::GradY);
    if (with_row_step) {
      sweep.between_halves([](Range, RowSums&) {});
    }
    sweep.run();
    return oracle.take_requests().not_finite;
  };
  for (const bool with_row_step : {false, true}) {
    for (const Want spoil : {Want::Value, Want::GradX, Want::GradY}) {
      for (const Real with : {nan, std::numeric_limits<Real>::infinity(), -1e300, 1e30}) {
        toy.spoil = spoil;
        toy.with = with;
        EXPECT_TRUE(flagged(with_row_step)) << static_cast<unsigned>(spoil) << " " << with << " " << with_row_step;
        toy.spoil = Want::Nothing;
        EXPECT_FALSE(flagged(with_row_step));
      }
    }
  }
}

// A signal is reported to the first allreduce that follows it; a sweep may make two.
TEST(Oracle, ARequestMadeOnceIsNotLostBetweenTwoPasses) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  for (const int asked_at : {0, 1}) {
    int n_polls = 0;
    oracle.poll = [&] { return Requests{.checkpoint = n_polls++ == asked_at}; };
    auto sweep = oracle.full_sweep(x);
    (void)sweep.lower(y, Want::GradX | Want::GradY);
    sweep.between_halves([](Range, RowSums&) {});
    sweep.run();
    EXPECT_EQ(n_polls, 2);
    const Requests taken = oracle.take_requests();
    EXPECT_TRUE(taken.checkpoint) << "asked at poll " << asked_at;
    EXPECT_FALSE(taken.stop);
    auto next = oracle.full_sweep(x);
    (void)next.lower(y, Want::GradY);
    next.run();
    EXPECT_FALSE(oracle.agreed().checkpoint) << "a request is answered once";
  }
}

TEST(Oracle, SumKindsAgree) {
  SCOPED_TRACE(seed_text());
  Communicator comm = Communicator::world();
  Coupled toy;
  Vec x = random_vector(3, 1, 0.4);
  const Vec y = random_vector(4, 2);
  Vec grad_y[2];
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    Oracle oracle(toy, comm, {.block_rows = 4, .sum = kind});
    auto sweep = oracle.full_sweep(x);
    const Result& lower = sweep.lower(y, Want::GradY);
    sweep.run();
    grad_y[static_cast<std::size_t>(kind)] = lower.grad_y;
  }
  EXPECT_LE((grad_y[0] - grad_y[1]).cwiseAbs().maxCoeff(), 1e-14);  // a few ulps of numbers about 1
}

}  // namespace
}  // namespace meha
