// SPDX-License-Identifier: MIT
#include "meha/solver/certificate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/oracle_expectations.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

/// All rows of a level added up at (x, y), with the terms that count once.
RowTerm sum_of_rows(const Toy& toy, Level level, const Vec& x, const Vec& y) {
  RowTerm total(toy.n_x(), toy.n_y());
  const Real scale = toy.is_mean() ? 1 / static_cast<Real>(toy.n_rows(level)) : 1;
  const bool x_of_rows = toy.per_row() && level == Level::Lower;
  for (Index i = 0; i < toy.n_rows(level); ++i) {
    const RowTerm term = toy.row(level, i, x_of_rows ? InSpan{&x[i], 1} : as_span(x), as_span(y));
    total.value += scale * term.value;
    total.grad_y += scale * term.grad_y;
    if (x_of_rows) {
      total.grad_x[i] += scale * term.grad_x[0];
    } else if (!toy.per_row()) {
      total.grad_x += scale * term.grad_x;
    }
  }
  if (level == Level::Lower) {
    const RowTerm whole = toy.whole(toy.per_row() ? InSpan() : as_span(x), as_span(y));
    total.value += whole.value;
    total.grad_y += whole.grad_y;
    if (!toy.per_row()) {
      total.grad_x += whole.grad_x;
    }
  }
  return total;
}

/// h's minimiser by many plain proximal gradient steps.
Vec slow_minimiser(const Toy& toy, const Vec& x, const Vec& y, Real gamma) {
  const Vec shared = toy.per_row() ? Vec() : x;
  Vec theta = y;
  const Real step = 0.02;
  for (int i = 0; i < 20000; ++i) {
    theta -= step * (sum_of_rows(toy, Level::Lower, x, theta).grad_y + (theta - y) / gamma);
    toy.prox_g(step, shared, theta);
  }
  return theta;
}

void expect_certificate_of_definition(Toy& toy) {
  Communicator comm = Communicator::world();
  const CertificatePlan plan{.gamma = 0.7, .penalty = 3, .tolerance = 1e-10};
  Vec x(toy.n_x());
  Vec y(toy.n_y());
  toy.start(x, y);
  const Vec shared = toy.per_row() ? Vec() : x;
  const Vec minimiser = slow_minimiser(toy, x, y, plan.gamma);
  const RowTerm at_y = sum_of_rows(toy, Level::Lower, x, y);
  const RowTerm at_minimiser = sum_of_rows(toy, Level::Lower, x, minimiser);
  const RowTerm upper = sum_of_rows(toy, Level::Upper, x, y);
  const Real envelope =
      at_minimiser.value + toy.g(shared, minimiser) + (minimiser - y).squaredNorm() / (2 * plan.gamma);
  Vec d_x = at_y.grad_x - at_minimiser.grad_x + upper.grad_x / plan.penalty;
  if (!toy.per_row()) {
    toy.add_grad_x_g(1, x, y, d_x);
    toy.add_grad_x_g(-1, x, minimiser, d_x);
  }
  const Vec d_y = upper.grad_y / plan.penalty + at_y.grad_y - (y - minimiser) / plan.gamma;
  constexpr Real s = 1e-6;
  Vec moved_x = x - s * d_x;
  Vec moved_y = y - s * d_y;
  toy.project_x(moved_x);
  toy.prox_g(s, shared, moved_y);
  const Real residual = plan.penalty / s * std::hypot((x - moved_x).norm(), (y - moved_y).norm());

  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    Oracle oracle(toy, comm, {.block_rows = 4, .placement = placement});
    Vec x_here = toy.per_row() ? stored_part(oracle, comm, x) : x;
    const Vec theta = y * 0.5;
    const Certificate c = certify(oracle, x_here, y, theta, plan);
    EXPECT_TRUE(c.is_finite);
    EXPECT_LE(c.tolerance, plan.tolerance);
    EXPECT_NEAR(c.upper_value, upper.value, 1e-12);
    EXPECT_NEAR(c.lower_value, at_y.value + toy.g(shared, y), 1e-12);
    EXPECT_NEAR(c.envelope, envelope, 1e-10);
    EXPECT_GT(c.gap(), 1e-3);
    EXPECT_NEAR(c.theta_distance, (minimiser - theta).norm(), 1e-8);
    EXPECT_NEAR(c.residual, residual, 1e-7);
  }
}

TEST(CertificateMpi, IsItsDefinitionForEveryLayoutOfX) {
  Lasso lasso(9);
  expect_certificate_of_definition(lasso);
  Coupled coupled;
  expect_certificate_of_definition(coupled);
  Weighted weighted;
  expect_certificate_of_definition(weighted);
}

TEST(CertificateMpi, SaysHowFarItCame) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x(toy.n_x());
  Vec y(toy.n_y());
  toy.start(x, y);
  const Certificate c = certify(oracle, x, y, y, {.gamma = 0.7, .penalty = 1, .tolerance = 0, .iterations = 3});
  EXPECT_EQ(c.iterations, 3);
  EXPECT_GT(c.tolerance, 0);
  oracle.poll = [] { return Requests{.stop = true}; };
  EXPECT_EQ(certify(oracle, x, y, y, {}).tolerance, std::numeric_limits<Real>::infinity());
  oracle.poll = {};
  y[0] = std::numeric_limits<Real>::quiet_NaN();
  EXPECT_FALSE(certify(oracle, x, y, y, {}).is_finite);
}

}  // namespace
}  // namespace meha
