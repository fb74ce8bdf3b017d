// SPDX-License-Identifier: MIT
#include "meha/comm/exact_sum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "meha/core/random.hpp"

namespace meha {
namespace {

__extension__ using Quad = __float128;

constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
constexpr Real infinity = std::numeric_limits<Real>::infinity();

/// Both signs, magnitudes from 2^-80 to 2^17.
std::vector<Real> addends(Index n, Index seed) {
  std::vector<Real> values;
  for (Index row = 0; row < n; ++row) {
    const auto exponent = static_cast<int>(random_below(98, seed, Stream::Check, 0, row)) - 80;
    values.push_back(std::ldexp(2 * random_uniform(seed, Stream::Check, 1, row) - 1, exponent));
  }
  return values;
}

Real sum_of(const std::vector<Real>& values, Index n_addends, Real factor = 1, int exponent = 0) {
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(1, n_addends);
  for (const Real& value : values) {
    sum.add(0, {&value, 1}, factor, exponent);
  }
  EXPECT_FALSE(sum.raised(ExactSum::Flag::NotFinite));
  return sum.read(0, exponent);
}

TEST(ExactSum, PiecesAreAddedWhereTheyBelong) {
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    const std::vector<std::uint32_t> places = {3, 0};
    const std::vector<Real> share = {1, 2, 3, 4};
    ExactSum sum(kind);
    sum.reset(9, 2);
    sum.add_pieces(1, places, 2, share, 0.5, 3);
    std::array<Real, 9> values{};
    sum.read(0, 3, values);
    EXPECT_EQ(values, (std::array<Real, 9>{0, 1.5, 2, 0, 0, 0, 0, 0.5, 1}));
  }
}

TEST(ExactSum, DoesNotDependOnTheOrder) {
  for (Index seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto values = addends(1000, seed);
    const Real expected = sum_of(values, 1000);
    std::vector<Index> order(values.size());
    std::iota(order.begin(), order.end(), Index{0});
    bool plain_differs = false;
    const Real plain = std::accumulate(values.begin(), values.end(), 0.0);
    for (Index attempt = 0; attempt < 100; ++attempt) {
      random_shuffle(order, seed, Stream::Shuffle, attempt);
      std::vector<Real> shuffled;
      for (const Index i : order) {
        shuffled.push_back(values[static_cast<std::size_t>(i)]);
      }
      ASSERT_EQ(sum_of(shuffled, 1000), expected) << attempt;
      plain_differs = plain_differs || std::accumulate(shuffled.begin(), shuffled.end(), 0.0) != plain;
    }
    EXPECT_TRUE(plain_differs) << "these addends are too easy to test anything";
  }
}

TEST(ExactSum, AgreesWithQuadruplePrecision) {
  for (Index seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto values = addends(1000, seed);
    Quad expected = 0;
    for (const Real value : values) {
      expected += value;
    }
    const Quad error = expected - sum_of(values, 1000);
    // every addend is rounded by half of 2^-64, the result by half a unit in the last place (twice)
    EXPECT_LE(std::fabs(static_cast<Real>(error)), 1000 * 0x1p-65 + std::fabs(static_cast<Real>(expected)) * 0x1p-52);
  }
}

TEST(ExactSum, CancelsExactly) {
  EXPECT_EQ(sum_of({0x1p20, 0x1p-60, -0x1p20}, 3), 0x1p-60);
  EXPECT_EQ(sum_of({1, 0x1p-64, -1, -0x1p-64}, 4), 0);
  EXPECT_EQ(sum_of({-0.0}, 1), 0);
}

TEST(ExactSum, LosesWhatIsBelowItsResolution) {
  EXPECT_EQ(sum_of({0x1p-66, 0x1p-66}, 2), 0);
  EXPECT_EQ(sum_of({0x1p-64}, 1), 0x1p-64);
  EXPECT_EQ(sum_of({0x1p-94}, 1, 1, 30), 0x1p-94);
}

TEST(ExactSum, KeepsVectorsApartAndAddsAtAnOffset) {
  constexpr Index n = 37;  // not a multiple of any vector length
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(n + 3, 4);
  std::vector<Real> share(n);
  std::iota(share.begin(), share.end(), -10.5);
  for (int time = 0; time < 3; ++time) {
    sum.add(3, share, 1, 0);
  }
  sum.add(0, std::vector<Real>{5, 6, 7}, 1, 0);
  std::vector<Real> values(n + 3);
  sum.read(0, 0, values);
  EXPECT_EQ(values[0], 5);
  EXPECT_EQ(values[2], 7);
  for (std::size_t i = 0; i < share.size(); ++i) {
    EXPECT_EQ(values[i + 3], 3 * share[i]) << i;
  }
  EXPECT_EQ(sum.read(4, 0), 3 * share[1]);
}

TEST(ExactSum, MultipliesByTheFactorAndUndoesTheExponent) {
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    ExactSum sum(kind);
    sum.reset(1, 2);
    sum.add(0, std::vector<Real>{0x1p-30}, 0.5, 30);
    sum.add(0, std::vector<Real>{0x1p-30}, -2, 30);
    EXPECT_EQ(sum.read(0, 30), -1.5 * 0x1p-30);
    EXPECT_EQ(sum.read(0, 0), -1.5);
  }
}

TEST(ExactSum, ResetForgetsSumsAndFlags) {
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    ExactSum sum(kind);
    sum.reset(2, 2);
    sum.add(0, std::vector<Real>{1, nan}, 1, 0);
    EXPECT_TRUE(sum.raised(ExactSum::Flag::NotFinite));
    sum.reset(2, 2);
    EXPECT_FALSE(sum.raised(ExactSum::Flag::NotFinite));
    EXPECT_EQ(sum.read(0, 0), 0);
    EXPECT_EQ(sum.read(1, 0), 0);
  }
}

TEST(ExactSum, RaisesNotFiniteForWhatItCannotAdd) {
  const auto raised = [](Real value, Index n_addends, Real factor = 1, int exponent = 0) {
    ExactSum sum(ExactSum::Kind::Exact);
    sum.reset(40, n_addends);
    std::vector<Real> share(40, 0.5);
    share[17] = value;
    sum.add(0, share, factor, exponent);
    return sum.raised(ExactSum::Flag::NotFinite);
  };
  EXPECT_FALSE(raised(1, 1));
  EXPECT_TRUE(raised(nan, 1));
  EXPECT_TRUE(raised(infinity, 1));
  EXPECT_TRUE(raised(-infinity, 1));
  EXPECT_FALSE(raised(-0x1p39, 2048));
  EXPECT_TRUE(raised(-0x1.0000000000001p39, 1));
  EXPECT_FALSE(raised(0x1p21, Index{1} << 20));
  EXPECT_TRUE(raised(0x1.0000000000001p21, Index{1} << 20));
  EXPECT_TRUE(raised(0x1p33, 1, 1, 7));
  EXPECT_TRUE(raised(1, 1, infinity));
}

TEST(ExactSum, HoldsAsManyOfTheLargestAddendsAsItPromises) {
  struct Limit {
    Index n_addends;
    Real largest, largest_low_part;
  };
  for (const Limit& limit :
       {Limit{2048, 0x1p39, 0x1p-13 - 0x1p-64}, Limit{Index{1} << 14, 0x1p33, 0x1p-16 - 0x1p-64}}) {
    const auto n = static_cast<Real>(limit.n_addends);
    for (const Real sign : {1.0, -1.0}) {
      for (const Real value : {sign * limit.largest, sign * limit.largest_low_part}) {
        EXPECT_EQ(sum_of(std::vector<Real>(static_cast<std::size_t>(limit.n_addends), value), limit.n_addends),
                  value * n);
      }
    }
  }
}

TEST(ExactSum, FlagsAreApart) {
  for (const auto kind : {ExactSum::Kind::Exact, ExactSum::Kind::Plain}) {
    constexpr std::array flags = {ExactSum::Flag::NotFinite, ExactSum::Flag::Stop, ExactSum::Flag::TimeLimit,
                                  ExactSum::Flag::Checkpoint, ExactSum::Flag::Failed};
    static_assert(flags.size() == ExactSum::n_flags);
    for (const auto raised : flags) {
      ExactSum sum(kind);
      sum.reset(1, 1);
      sum.raise(raised);
      for (const auto flag : flags) {
        EXPECT_EQ(sum.raised(flag), flag == raised);
      }
      EXPECT_EQ(sum.read(0, 0), 0);
    }
  }
}

TEST(ExactSum, PlainAddsInOrderAndSeesNonFiniteShares) {
  ExactSum sum(ExactSum::Kind::Plain);
  sum.reset(1, 3);
  for (const Real value : {1.0, 1e30, -1e30}) {
    sum.add(0, std::vector<Real>{value}, 1, 0);
  }
  EXPECT_EQ(sum.read(0, 0), 0);
  EXPECT_FALSE(sum.raised(ExactSum::Flag::NotFinite));
  sum.add(0, std::vector<Real>{infinity}, 1, 0);
  EXPECT_TRUE(sum.raised(ExactSum::Flag::NotFinite));
}

TEST(ScaleExponent, IsTheCeilingOfTheLogarithm) {
  EXPECT_EQ(scale_exponent(0), 0);
  EXPECT_EQ(scale_exponent(1), 0);
  EXPECT_EQ(scale_exponent(2), 1);
  EXPECT_EQ(scale_exponent(3), 2);
  EXPECT_EQ(scale_exponent(4), 2);
  EXPECT_EQ(scale_exponent(5000), 13);
  EXPECT_EQ(scale_exponent((Index{1} << 40) + 1), 41);
}

}  // namespace
}  // namespace meha
