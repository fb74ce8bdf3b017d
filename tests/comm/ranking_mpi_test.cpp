// SPDX-License-Identifier: MIT
#include "meha/comm/ranking.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "meha/core/blocks.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Real infinity = std::numeric_limits<Real>::infinity();

struct Rows {
  std::vector<Real> score;
  std::vector<std::uint8_t> is_clean;
};

/// Ranks hold consecutive rows; some may hold none.
std::optional<Real> auroc_of(const Communicator& comm, const Rows& all) {
  const auto n = static_cast<Index>(all.score.size());
  const Range mine = owned_rows({.n_rows = n, .block_rows = 4}, comm.rank(), comm.size());
  const auto result = auroc(comm, slice(std::span(all.score), mine), slice(std::span(all.is_clean), mine));
  Index bits = result ? std::bit_cast<Index>(*result) : 0;
  EXPECT_EQ(comm.min(bits), -comm.min(-bits)) << "the same on all ranks";
  return result;
}

Real auroc_by_pairs(const Rows& all) {
  Real twice_wins = 0;
  Real n_pairs = 0;
  for (std::size_t clean = 0; clean < all.score.size(); ++clean) {
    for (std::size_t corrupted = 0; corrupted < all.score.size(); ++corrupted) {
      if (all.is_clean[clean] != 0 && all.is_clean[corrupted] == 0) {
        n_pairs += 1;
        twice_wins += all.score[clean] > all.score[corrupted] ? 2 : all.score[clean] == all.score[corrupted] ? 1 : 0;
      }
    }
  }
  return twice_wins / (2 * n_pairs);
}

TEST(Auroc, CountsPairsWithTiesAsHalves) {
  const Communicator comm = Communicator::world();
  for (Index seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Index n = 2 + random_below(150, seed, Stream::Check, 0, 0);
    const Index n_levels = 1 + random_below(seed % 2 == 0 ? 4 : 400, seed, Stream::Check, 0, 1);
    Rows all;
    for (Index row = 0; row < n; ++row) {
      const bool clean = row < 2 ? row == 1 : random_bits(seed, Stream::Check, 1, row) % 4 != 0;
      all.is_clean.push_back(clean ? 1 : 0);
      all.score.push_back(static_cast<Real>(random_below(n_levels, seed, Stream::Check, 2, row)) + (clean ? 0.3 : 0));
    }
    EXPECT_EQ(auroc_of(comm, all), auroc_by_pairs(all));
    for (Real& value : all.score) {
      value = std::floor(value) - 2;
      value = value == 0 && random_bits(seed, Stream::Check, 3, 0) % 2 == 0 ? -0.0 : value;
    }
    EXPECT_EQ(auroc_of(comm, all), auroc_by_pairs(all));
  }
}

TEST(Auroc, KnowsTheExtremes) {
  const Communicator comm = Communicator::world();
  const std::vector<std::uint8_t> is_clean = {0, 0, 1, 1};
  EXPECT_EQ(auroc_of(comm, {{-infinity, 0, 1, infinity}, is_clean}), 1);
  EXPECT_EQ(auroc_of(comm, {{3, 2, 1, 0}, is_clean}), 0);
  EXPECT_EQ(auroc_of(comm, {{1, 1, 1, 1}, is_clean}), 0.5);
  EXPECT_EQ(auroc_of(comm, {{-0.0, 0.0, -0.0, 0.0}, is_clean}), 0.5);
}

TEST(Auroc, IsAbsentWhereAKindIsMissingOrAScoreIsNotANumber) {
  const Communicator comm = Communicator::world();
  EXPECT_EQ(auroc_of(comm, {{1, 2}, {1, 1}}), std::nullopt);
  EXPECT_EQ(auroc_of(comm, {{1, 2}, {0, 0}}), std::nullopt);
  EXPECT_EQ(auroc_of(comm, {}), std::nullopt);
  EXPECT_EQ(auroc_of(comm, {{1, 2, 3, 4, std::nan(""), 5}, {1, 0, 0, 1, 1, 0}}), std::nullopt);
}

TEST(Auroc, TakesEqualScoresOfAllRanksTogether) {
  const Communicator comm = Communicator::world();
  constexpr std::size_t n = 200'000;
  std::vector<Real> score(n);
  std::vector<std::uint8_t> is_clean(n);
  for (std::size_t i = 0; i < n; ++i) {
    score[i] = static_cast<Real>((i * 7919) % n);
    is_clean[i] = score[i] >= n / 4 ? 1 : 0;
  }
  EXPECT_EQ(auroc(comm, score, is_clean), 1);
}

TEST(CutInOrder, PartsFollowEachOtherAndAreAboutEqual) {
  const Communicator comm = Communicator::world();
  for (const Index n_parts : {1, 2, 7}) {
    for (const Index n : {0, 5, 3000}) {  // on every rank
      std::vector<Index> mine;
      for (Index i = 0; i < n; ++i) {
        mine.push_back((comm.rank() == 0 ? i * i : 3 * i) * comm.size() + comm.rank());  // all different
      }
      const auto cuts = cut_in_order(comm, std::span<const Index>(mine), n_parts);
      ASSERT_EQ(static_cast<Index>(cuts.size()), n_parts + 1);
      EXPECT_EQ(cuts.front(), 0);
      EXPECT_EQ(cuts.back(), n);
      Index largest_before = -1;
      for (Index part = 0; part < n_parts; ++part) {
        const auto here = slice(std::span<const Index>(mine),
                                {cuts[static_cast<std::size_t>(part)], cuts[static_cast<std::size_t>(part) + 1]});
        const auto all = comm.gather_all(here);
        EXPECT_LE(static_cast<Index>(all.size()), 2 * n * comm.size() / n_parts + comm.size());
        for (const Index item : all) {
          EXPECT_GT(item, largest_before);
        }
        largest_before = all.empty() ? largest_before : *std::max_element(all.begin(), all.end());
      }
    }
  }
}

}  // namespace
}  // namespace meha
