// SPDX-License-Identifier: MIT
#include "meha/solver/oracle.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/oracle_expectations.hpp"

namespace meha {
namespace {

using namespace test;

constexpr Want everything = Want::Value | Want::GradX | Want::GradY;

/// Whether a condition holds on all ranks.
bool everywhere(const Communicator& comm, bool condition) {
  return comm.min(condition ? 1 : 0) == 1;
}

/// One sweep on all ranks against the sums that each rank makes of all rows by itself: the same bits.
void expect_serial_bits(Toy& toy, Index block_rows, Index batch, Placement placement) {
  Communicator comm = Communicator::world();
  const Oracle::Setup setup{
      .block_rows = block_rows, .seed = 3, .batch_lower = batch, .batch_upper = batch, .placement = placement};
  Oracle oracle(toy, comm, setup);
  const BlockPlan plan{.n_rows = toy.n_rows(Level::Lower), .block_rows = block_rows};
  const BlockPlan upper_plan{.n_rows = toy.n_rows(Level::Upper), .block_rows = block_rows};
  for (const Index k : {0, 1, 5}) {
    const auto blocks = Minibatches(plan, batch, 3, Stream::LowerBatch).blocks(k);
    const auto upper_blocks = Minibatches(upper_plan, batch, 3, Stream::UpperBatch).blocks(k);
    const Vec all_x = toy.per_row() ? Vec(Vec::Constant(toy.n_x(), 0.9) + random_vector(toy.n_x(), 1, 0.3))
                                    : random_vector(toy.n_x(), 1, 0.3);
    Vec x = stored_part(oracle, comm, all_x);
    const Vec y = random_vector(toy.n_y(), 2);
    const Vec theta = random_vector(toy.n_y(), 3);
    auto sweep = oracle.sweep(x, k);
    const Result& at_y = sweep.lower(y, everything);
    const Result& at_theta = sweep.lower(theta, Want::GradY);
    const Result& upper = sweep.upper(y, Want::Value | Want::GradY);
    sweep.run();
    const Sums expected_y = sums_here(toy, Level::Lower, all_x, y, blocks, block_rows);
    const Sums expected_theta = sums_here(toy, Level::Lower, all_x, theta, blocks, block_rows);
    const Sums expected_upper = sums_here(toy, Level::Upper, all_x, y, upper_blocks, block_rows);
    EXPECT_TRUE(everywhere(comm, at_y.value == expected_y.value && at_y.grad_y == expected_y.grad_y));
    EXPECT_TRUE(everywhere(comm, at_theta.grad_y == expected_theta.grad_y));
    // both levels share the smaller exponent: the last bits of resolution of the larger one are lost
    EXPECT_TRUE(everywhere(comm, std::fabs(upper.value - expected_upper.value) <= 0x1p-40));
    EXPECT_TRUE(everywhere(comm, (upper.grad_y - expected_upper.grad_y).cwiseAbs().maxCoeff() <= 0x1p-50));
    if (!toy.per_row()) {
      EXPECT_TRUE(everywhere(comm, at_y.grad_x == expected_y.grad_x));
    } else {
      const Range own = owned_rows(plan, comm.rank(), comm.size());
      bool same = true;
      for (const Index id : blocks) {
        for (Index i = plan.rows(id).begin; i < plan.rows(id).end; ++i) {
          same = same && (i < own.begin || i >= own.end || at_y.grad_x[i - own.begin] == expected_y.grad_x[i]);
        }
      }
      EXPECT_TRUE(everywhere(comm, same));
    }
  }
}

TEST(OracleMpi, AnyNumberOfRanksGivesTheSerialBits) {
  SCOPED_TRACE(seed_text());
  for (const Index batch : {0, 8}) {
    for (const Index block_rows : {2, 8, 64}) {
      Coupled coupled(32, 32);
      expect_serial_bits(coupled, block_rows, batch, Placement::Sharded);
      for (const Placement placement : {Placement::Sharded, Placement::Root}) {
        Weighted weighted(32, 32);
        expect_serial_bits(weighted, block_rows, batch, placement);
      }
    }
  }
}

TEST(OracleMpi, RowsOfXGoToTheirOwnersAndBack) {
  Communicator comm = Communicator::world();
  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    Weighted toy(19, 7);
    Oracle oracle(toy, comm, {.block_rows = 4, .placement = placement});
    const Vec all = random_vector(19, 1);
    const Vec stored = stored_part(oracle, comm, all);
    EXPECT_TRUE(everywhere(comm, oracle.stored_x_size() == stored.size()));
    EXPECT_TRUE(everywhere(comm, gather_x(oracle, comm, stored) == (comm.is_root() ? all : Vec())));
    const Range mine = oracle.owned_rows();
    const InSpan owned = oracle.owned_x(stored);
    EXPECT_TRUE(everywhere(comm, std::ranges::equal(owned, slice(as_span(all), mine))));
    const Vec here = mine.empty() ? Vec() : Vec(all.segment(mine.begin, mine.size()));
    EXPECT_TRUE(everywhere(comm, oracle.stored_x(here) == stored));
    const bool has_rows = placement == Placement::Sharded || comm.is_root();
    EXPECT_TRUE(everywhere(comm, has_rows || stored.size() == 0));
  }
}

TEST(OracleMpi, ARequestOfAnyRankReachesAll) {
  Communicator comm = Communicator::world();
  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    Weighted toy;
    Oracle oracle(toy, comm, {.block_rows = 4, .placement = placement});
    Vec x = Vec::Constant(oracle.stored_x_size(), 0.9);
    const Vec y = random_vector(4, 1);
    for (int asker = 0; asker < comm.size(); ++asker) {
      for (const bool stop : {false, true}) {
        bool asked = false;
        oracle.poll = [&] {
          const bool mine = comm.rank() == asker && !asked;
          asked = true;
          return Requests{.stop = mine && stop, .time_limit = mine && !stop, .checkpoint = mine && !stop};
        };
        auto sweep = oracle.sweep(x, 0);
        (void)sweep.lower(y, Want::GradX | Want::GradY);
        sweep.between_halves([](Range, RowSums&) {});
        sweep.run();
        const Requests taken = oracle.take_requests();
        EXPECT_TRUE(everywhere(comm, taken.stop == stop));
        EXPECT_TRUE(everywhere(comm, taken.time_limit == !stop));
        EXPECT_TRUE(everywhere(comm, taken.checkpoint == !stop));
        EXPECT_TRUE(everywhere(comm, !taken.not_finite));
      }
    }
  }
}

TEST(OracleMpi, NotANumberInOneRowReachesAll) {
  Communicator comm = Communicator::world();
  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    for (Index bad = 0; bad < 13; ++bad) {
      Weighted toy;
      Oracle oracle(toy, comm, {.block_rows = 3, .placement = placement});
      Vec all = Vec::Constant(13, 0.9);
      all[bad] = std::numeric_limits<Real>::quiet_NaN();
      Vec x = stored_part(oracle, comm, all);
      const Vec y = random_vector(4, 1);
      auto sweep = oracle.full_sweep(x);
      (void)sweep.lower(y, Want::GradX | Want::GradY);
      sweep.between_halves([](Range, RowSums&) {});
      sweep.run();
      EXPECT_TRUE(everywhere(comm, oracle.agreed().not_finite));
    }
  }
}

// The row step sees each drawn row once, whoever stores it, and its sums arrive everywhere.
TEST(OracleMpi, RowSumsAreGlobal) {
  Communicator comm = Communicator::world();
  for (const Placement placement : {Placement::Sharded, Placement::Root}) {
    for (const Index batch : {0, 9}) {
      Weighted toy(32, 14);
      Oracle oracle(toy, comm, {.block_rows = 3, .seed = 2, .batch_lower = batch, .placement = placement});
      Vec x = Vec::Constant(oracle.stored_x_size(), 0.9);
      const Index first = oracle.stored_rows()[static_cast<std::size_t>(comm.rank())].begin;
      const Vec y = random_vector(4, 1);
      for (const Index k : {0, 3}) {
        Vec visits = Vec::Zero(32);
        auto sweep = oracle.sweep(x, k);
        (void)sweep.lower(y, Want::GradX | Want::GradY);
        sweep.between_halves([&](Range rows, RowSums& sums) {
          for (Index i = rows.begin + first; i < rows.end + first; ++i) {
            sums.residual_square += static_cast<Real>(i + 1) / 1024;
            sums.step_square += static_cast<Real>(i + 1);
            visits[i] += 1;
          }
        });
        sweep.run();
        comm.sum(as_span(visits));
        const BlockPlan plan{.n_rows = 32, .block_rows = 3};
        Vec expected = Vec::Zero(32);
        Real sum = 0;
        Minibatches minibatches(plan, batch, 2, Stream::LowerBatch);
        for (const Index id : minibatches.blocks(k)) {
          for (Index i = plan.rows(id).begin; i < plan.rows(id).end; ++i) {
            expected[i] = 1;
            sum += static_cast<Real>(i + 1);
          }
        }
        EXPECT_EQ(visits, expected);
        EXPECT_TRUE(everywhere(comm, sweep.row_sums().step_square == sum));
        EXPECT_TRUE(everywhere(comm, sweep.row_sums().residual_square == sum / 1024));
      }
    }
  }
}

}  // namespace
}  // namespace meha
