// SPDX-License-Identifier: MIT
// Second-order products, several sweeps a step, and what the oracle counts.
#include <gtest/gtest.h>

#include <limits>

#include "meha/solver/oracle.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

constexpr Real difference_tolerance =
    1e-8;  // ∛(2^-53)² and rounding over it, with room for a third derivative of size 1

/// ∇²_yy f·v and ∇²_xy f·v of Weighted, row by row.
struct WeightedProducts {
  Vec hess_y = Vec::Zero(4);
  Vec cross_x;

  WeightedProducts(const Weighted& toy, const Vec& x, const Vec& y, const Vec& v) : cross_x(x.size()) {
    const auto n = static_cast<Real>(x.size());
    for (Index i = 0; i < x.size(); ++i) {
      const Vec p = random_vector(4, 30 * 1000 + i);
      const Vec r_p = toy.row(Level::Lower, i, {&x[i], 1}, as_span(y)).grad_y;  // w·r·p
      const Real weight = 0.1 + x[i] * x[i];
      hess_y += weight * p.dot(v) / n * p;
      cross_x[i] = 2 * x[i] * r_p.dot(v) / weight / n;
    }
    hess_y += 0.02 * v;
  }
};

TEST(OracleProducts, OneXPerRowAgainstTheRowsOwnFormulas) {
  SCOPED_TRACE(seed_text());
  Communicator comm = Communicator::world();
  Weighted toy(32, 14);
  Oracle oracle(toy, comm, {.block_rows = 3});
  const Vec start = random_vector(32, 5).cwiseAbs();
  const Vec y = random_vector(4, 2);
  for (const Real length : {1.0, 1e-30, 3e40}) {
    Vec x = start;
    const Vec v = length * random_vector(4, 6);
    const WeightedProducts expected(toy, x, y, v);
    auto sweep = oracle.full_sweep(x);
    const Result& at_y = sweep.lower(y, Want::GradY | products, &v);
    Vec seen(32);
    sweep.after([&](Range rows, RowSums& sums) {
      seen.segment(rows.begin, rows.size()) = at_y.cross_x.segment(rows.begin, rows.size());
      sums.step_square += static_cast<Real>(rows.size());
      x.segment(rows.begin, rows.size()).setZero();
    });
    sweep.run();
    EXPECT_LT((at_y.hess_y - expected.hess_y).norm(), difference_tolerance * expected.hess_y.norm()) << length;
    EXPECT_LT((at_y.cross_x - expected.cross_x).norm(), difference_tolerance * expected.cross_x.norm()) << length;
    EXPECT_EQ(seen, at_y.cross_x);
    EXPECT_EQ(sweep.row_sums().step_square, 32);
    EXPECT_EQ(x, Vec::Zero(32));
    EXPECT_FALSE(oracle.take_requests().not_finite);
  }
}

TEST(OracleProducts, BetweenHalvesThoseToYAreTakenAtTheNewX) {
  Communicator comm = Communicator::world();
  Weighted toy(32, 14);
  Oracle oracle(toy, comm, {.block_rows = 3});
  Vec x = Vec::Constant(32, 0.9);
  const Vec moved = Vec::Constant(32, 0.4);
  const Vec y = random_vector(4, 2);
  const Vec v = random_vector(4, 6);
  const WeightedProducts before(toy, x, y, v);
  const WeightedProducts after(toy, moved, y, v);
  auto sweep = oracle.full_sweep(x);
  const Result& at_y = sweep.lower(y, products, &v);
  sweep.between_halves([&](Range rows, RowSums&) {
    EXPECT_LT((at_y.cross_x - before.cross_x).segment(rows.begin, rows.size()).norm(), difference_tolerance);
    x.segment(rows.begin, rows.size()).setConstant(0.4);
  });
  sweep.run();
  EXPECT_LT((at_y.hess_y - after.hess_y).norm(), difference_tolerance);
}

TEST(OracleProducts, SharedXAndBothLevelsJoined) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = random_vector(3, 1, 0.4);
  const Vec y = random_vector(4, 2);
  const Vec v = random_vector(4, 3);
  const auto gradients = [&](Real t) {
    const Vec at = y + t * v;
    auto sweep = oracle.full_sweep(x);
    const Result& lower = sweep.lower(at, Want::GradX | Want::GradY);
    sweep.add_upper(at, Want::GradX | Want::GradY, 0.3, lower);
    sweep.run();
    return std::pair(lower.grad_x, lower.grad_y);
  };
  auto sweep = oracle.full_sweep(x);
  const Result& joined = sweep.lower(y, products, &v);
  sweep.add_upper(y, products, 0.3, joined, &v);
  sweep.run();
  const Vec hess_y = joined.hess_y;
  const Vec cross_x = joined.cross_x;
  const Real t = 1e-3;  // both levels are quadratic in y
  const auto [x_above, y_above] = gradients(t);
  const auto [x_below, y_below] = gradients(-t);
  EXPECT_LT((hess_y - (y_above - y_below) / (2 * t)).norm(), difference_tolerance);
  EXPECT_LT((cross_x - (x_above - x_below) / (2 * t)).norm(), difference_tolerance);
  const Vec nothing = Vec::Zero(4);
  auto next = oracle.full_sweep(x);
  const Result& zero = next.lower(y, products, &nothing);
  next.run();
  EXPECT_EQ(zero.hess_y, Vec::Zero(4));
  EXPECT_EQ(zero.cross_x, Vec::Zero(3));
}

// A step may open several sweeps: what the first has found out must reach the run loop.
TEST(OracleSweeps, RequestsAndWhatIsNotFiniteStayUntilTheyAreTaken) {
  Communicator comm = Communicator::world();
  Coupled toy;
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  const Vec huge = Vec::Constant(4, 1e300);
  int n_polls = 0;
  oracle.poll = [&] { return Requests{.checkpoint = n_polls++ == 0}; };
  for (const Vec* at : {&huge, &y}) {
    auto sweep = oracle.full_sweep(x);
    (void)sweep.lower(*at, Want::GradY);
    sweep.run();
    EXPECT_TRUE(oracle.agreed().checkpoint);
    EXPECT_TRUE(oracle.agreed().not_finite);
  }
  const Requests taken = oracle.take_requests();
  EXPECT_TRUE(taken.checkpoint && taken.not_finite);
  EXPECT_FALSE(oracle.agreed().checkpoint || oracle.agreed().not_finite);
}

/// Remembers what was announced for the lower level.
class Announced final : public Coupled, public RowReader {
 public:
  [[nodiscard]] RowReader* row_reader() override { return this; }
  [[nodiscard]] std::string description() const override { return {}; }
  [[nodiscard]] std::optional<Error> failure() const override { return std::nullopt; }
  std::vector<std::vector<Index>> passes;
  void expect(Level level, std::span<const Index> blocks) override {
    if (level == Level::Lower) {
      passes.emplace_back(blocks.begin(), blocks.end());
    }
  }
};

TEST(OracleSweeps, TheSameRowsAreAnnouncedWhenTheyComeAgain) {
  Communicator comm = Communicator::world();
  Announced toy;
  Oracle oracle(toy, comm, {.block_rows = 4, .seed = 3, .batch_lower = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Zero(4);
  for (const bool again : {true, false}) {
    auto sweep = oracle.sweep(x, 0);
    (void)sweep.lower(y, Want::GradY);
    if (again) {
      sweep.same_rows_next();
    }
    sweep.run();
  }
  auto sweep = oracle.sweep(x, 1);
  (void)sweep.lower(y, Want::GradY);
  sweep.run();
  ASSERT_EQ(toy.passes.size(), 3U);
  ASSERT_EQ(toy.passes[0].size(), 2U);
  EXPECT_EQ(toy.passes[0][0], toy.passes[0][1]);
  EXPECT_EQ(toy.passes[1], (std::vector<Index>{toy.passes[0][0], toy.passes[2][0]}));
  EXPECT_NE(toy.passes[1][0], toy.passes[1][1]);
}

TEST(OracleCounts, PointsOnceASweepAndWorkOncePerPass) {
  Communicator comm = Communicator::world();
  Coupled toy(20, 12);
  Oracle oracle(toy, comm, {.block_rows = 4});
  Vec x = Vec::Zero(3);
  const Vec y = Vec::Constant(4, 0.1);
  auto sweep = oracle.full_sweep(x);
  const Result& lower = sweep.lower(y, Want::GradX | Want::GradY | products, &y);
  (void)sweep.lower(y, Want::GradY);
  sweep.add_upper(y, Want::GradX | Want::GradY, 1, lower);
  sweep.between_halves([](Range, RowSums&) {});
  sweep.run();
  EXPECT_EQ(oracle.counts.level[0].visits, 2 * 20);
  EXPECT_EQ(oracle.counts.level[0].differences, 20);
  EXPECT_EQ(oracle.counts.level[0].products, 0);
  EXPECT_EQ(oracle.counts.level[1].visits, 12);
  EXPECT_EQ(oracle.counts.level[0].work, 20 * (1 + 2) + 20 * (1 + 2 + 1));
  EXPECT_EQ(oracle.counts.level[1].work, 2 * 12);
  EXPECT_EQ(oracle.counts.passes, 2);
  EXPECT_EQ(oracle.counts.allreduces, 2);
  EXPECT_GT(oracle.counts.bytes, 0);
}

}  // namespace
}  // namespace meha
