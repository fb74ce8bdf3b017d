// SPDX-License-Identifier: MIT
#include "meha/comm/exact_sum.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Index n_addends = 400;
constexpr Index n_values = 19;
constexpr int exponent = 3;

std::vector<Real> share(Index seed, Index addend) {
  std::vector<Real> values;
  for (Index i = 0; i < n_values; ++i) {
    const Index row = addend * n_values + i;
    const auto magnitude = static_cast<int>(random_below(60, seed, Stream::Check, 0, row)) - 45;
    values.push_back(std::ldexp(2 * random_uniform(seed, Stream::Check, 1, row) - 1, magnitude));
  }
  return values;
}

/// The sum of all shares, each added by the rank that `owner` says, in the order of `order`.
template <class Owner>
std::vector<Real> sum_over(const Communicator& comm, Index seed, const std::vector<Index>& order, Owner&& owner) {
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(n_values, n_addends);
  for (const Index addend : order) {
    if (owner(addend) == comm.rank()) {
      sum.add(0, share(seed, addend), 1, exponent);
    }
  }
  sum.allreduce(comm);
  std::vector<Real> values(n_values);
  sum.read(0, exponent, values);
  return values;
}

TEST(ExactSumMpi, GivesTheSameBitsForAnyDistributionOfAddends) {
  const Communicator comm = Communicator::world();
  for (Index seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<Index> order(n_addends);
    for (Index i = 0; i < n_addends; ++i) {
      order[static_cast<std::size_t>(i)] = i;
    }
    ExactSum serial(ExactSum::Kind::Exact);
    serial.reset(n_values, n_addends);
    for (const Index addend : order) {
      serial.add(0, share(seed, addend), 1, exponent);
    }
    std::vector<Real> expected(n_values);
    serial.read(0, exponent, expected);

    EXPECT_EQ(sum_over(comm, seed, order, [&](Index addend) { return addend * comm.size() / n_addends; }), expected);
    random_shuffle(order, seed, Stream::Shuffle, 0);
    EXPECT_EQ(sum_over(comm, seed, order,
                       [&](Index addend) { return random_below(comm.size(), seed, Stream::Check, 2, addend); }),
              expected);
    EXPECT_EQ(sum_over(comm, seed, order, [&](Index) { return comm.size() - 1; }), expected);
  }
}

TEST(ExactSumMpi, AFlagRaisedAnywhereIsSeenEverywhere) {
  const Communicator comm = Communicator::world();
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    for (int culprit = 0; culprit < comm.size(); ++culprit) {
      ExactSum sum(kind);
      sum.reset(1, 1);
      if (comm.rank() == culprit) {
        sum.raise(ExactSum::Flag::Stop);
        sum.add(0, std::vector<Real>{NAN}, 1, 0);
      }
      sum.allreduce(comm);
      EXPECT_TRUE(sum.raised(ExactSum::Flag::Stop));
      EXPECT_TRUE(sum.raised(ExactSum::Flag::NotFinite));
      EXPECT_FALSE(sum.raised(ExactSum::Flag::TimeLimit));
    }
  }
}

TEST(ExactSumMpi, PlainAddsOverRanks) {
  const Communicator comm = Communicator::world();
  ExactSum sum(ExactSum::Kind::Plain);
  sum.reset(2, comm.size());
  sum.add(0, std::vector<Real>{1, comm.rank() + 1.0}, 1, 0);
  sum.allreduce(comm);
  EXPECT_EQ(sum.read(0, 0), comm.size());
  EXPECT_EQ(sum.read(1, 0), comm.size() * (comm.size() + 1) / 2.0);
}

}  // namespace
}  // namespace meha
