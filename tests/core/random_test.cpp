// SPDX-License-Identifier: MIT
#include "meha/core/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace meha {
namespace {

// Known answers of philox4x32-10 from Random123's kat_vectors.
TEST(Random, IsPhiloxWithCounterRowStepStreamAndKeySeed) {
  EXPECT_EQ(random_bits(0, Stream{0}, 0, 0), 0xe169c58d6627e8d5U);
  EXPECT_EQ(random_bits(-1, Stream{0xffffffffU}, 0xffffffff, -1), 0x41c83b0e408f276dU);
  EXPECT_EQ(random_bits(0x299f31d0a4093822, Stream{0x03707344U}, 0x13198a2e, static_cast<Index>(0x85a308d3243f6a88U)),
            0x94fdccebd16cfe09U);
}

TEST(Random, EveryArgumentMatters) {
  const std::set<std::uint64_t> bits = {random_bits(1, Stream::Shuffle, 1, 1),
                                        random_bits(2, Stream::Shuffle, 1, 1),
                                        random_bits(1, Stream::NoiseRows, 1, 1),
                                        random_bits(1, Stream::Shuffle, 2, 1),
                                        random_bits(1, Stream::Shuffle, 1, 2),
                                        random_bits(1 + (Index{1} << 32), Stream::Shuffle, 1, 1),
                                        random_bits(1, Stream::Shuffle, 1, 1 + (Index{1} << 32))};
  EXPECT_EQ(bits.size(), 7U);
}

TEST(Random, UniformFillsTheUnitInterval) {
  constexpr Index n = 100'000;
  Real sum = 0;
  Real sum_of_squares = 0;
  for (Index row = 0; row < n; ++row) {
    const Real u = random_uniform(3, Stream::Start, 0, row);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ASSERT_EQ(u * 0x1p53, std::floor(u * 0x1p53));
    sum += u;
    sum_of_squares += u * u;
  }
  const Real six_sigma = 6 / std::sqrt(12.0 * n);
  EXPECT_NEAR(sum / n, 0.5, six_sigma);
  EXPECT_NEAR(sum_of_squares / n, 1.0 / 3, six_sigma);
}

TEST(Random, BelowIsUniformAndStaysBelow) {
  constexpr Index n = 70'000;
  std::array<Index, 7> counts{};
  for (Index row = 0; row < n; ++row) {
    const Index value = random_below(7, 3, Stream::Check, 5, row);
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 7);
    ++counts[static_cast<std::size_t>(value)];
  }
  for (const Index count : counts) {
    EXPECT_NEAR(static_cast<Real>(count), n / 7.0, 6 * std::sqrt(n / 7.0));
  }
  EXPECT_EQ(random_below(1, 3, Stream::Check, 5, 1), 0);
}

TEST(Random, StreamsAreUncorrelated) {
  constexpr Index n = 50'000;
  for (const Stream other : {Stream::NoiseRows, Stream::NoiseLabels, Stream::Start}) {
    Real covariance = 0;
    for (Index row = 0; row < n; ++row) {
      covariance += (random_uniform(9, Stream::Shuffle, 0, row) - 0.5) * (random_uniform(9, other, 0, row) - 0.5);
    }
    EXPECT_NEAR(covariance / n * 12, 0, 6 / std::sqrt(static_cast<Real>(n)));
  }
}

TEST(Random, ShuffleIsAPermutationThatSeedStreamAndStepChoose) {
  std::vector<Index> sorted(1000);
  std::iota(sorted.begin(), sorted.end(), Index{0});
  const auto shuffled = [&](Index seed, Stream stream, Index step) {
    auto items = sorted;
    random_shuffle(items, seed, stream, step);
    return items;
  };
  const auto first = shuffled(1, Stream::Shuffle, 0);
  auto again = first;
  std::sort(again.begin(), again.end());
  EXPECT_EQ(again, sorted);
  EXPECT_NE(first, sorted);
  EXPECT_EQ(first, shuffled(1, Stream::Shuffle, 0));
  EXPECT_NE(first, shuffled(2, Stream::Shuffle, 0));
  EXPECT_NE(first, shuffled(1, Stream::NoiseRows, 0));
  EXPECT_NE(first, shuffled(1, Stream::Shuffle, 1));
}

TEST(Random, ShuffleReachesEveryOrderEquallyOften) {
  constexpr Index n = 24'000;
  std::map<std::vector<Index>, Index> counts;
  for (Index step = 0; step < n; ++step) {
    std::vector<Index> items = {0, 1, 2, 3};
    random_shuffle(items, 4, Stream::Check, step);
    ++counts[items];
  }
  EXPECT_EQ(counts.size(), 24U);
  for (const auto& [order, count] : counts) {
    EXPECT_NEAR(static_cast<Real>(count), n / 24.0, 6 * std::sqrt(n / 24.0));
  }
}

}  // namespace
}  // namespace meha
