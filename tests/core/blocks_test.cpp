// SPDX-License-Identifier: MIT
#include "meha/core/blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace meha {
namespace {

TEST(BlockPlan, CutsTheLastBlockShort) {
  const BlockPlan plan{.n_rows = 1025, .block_rows = 512};
  EXPECT_EQ(plan.n_blocks(), 3);
  EXPECT_EQ(plan.rows(0), (Range{0, 512}));
  EXPECT_EQ(plan.rows(2), (Range{1024, 1025}));
  EXPECT_EQ(plan.rows(Range{1, 3}), (Range{512, 1025}));
  EXPECT_EQ((BlockPlan{.n_rows = 1024, .block_rows = 512}.n_blocks()), 2);
  EXPECT_EQ((BlockPlan{.n_rows = 0, .block_rows = 512}.n_blocks()), 0);
}

TEST(BlockPlan, RanksOwnEveryRowOnceInOrder) {
  for (const Index n_rows : {0, 1, 7, 511, 512, 513, 5000}) {
    for (const Index block_rows : {1, 7, 512}) {
      const BlockPlan plan{.n_rows = n_rows, .block_rows = block_rows};
      for (const int n_ranks : {1, 2, 3, 5, 64}) {
        Index next_row = 0;
        Index fewest = plan.n_blocks();
        Index most = 0;
        for (int rank = 0; rank < n_ranks; ++rank) {
          const Range rows = owned_rows(plan, rank, n_ranks);
          const Range blocks = owned_blocks(plan.n_blocks(), rank, n_ranks);
          EXPECT_EQ(rows.begin, next_row) << n_rows << ' ' << block_rows << ' ' << rank << '/' << n_ranks;
          EXPECT_EQ(rows, plan.rows(blocks));
          EXPECT_EQ(rows.empty(), blocks.empty());
          next_row = rows.end;
          fewest = std::min(fewest, blocks.size());
          most = std::max(most, blocks.size());
        }
        EXPECT_EQ(next_row, n_rows);
        EXPECT_LE(most - fewest, 1);
      }
    }
  }
}

TEST(BlockPlan, RanksOwnInProportionToTheirWeights) {
  const std::vector<Index> even = {1, 1, 1};
  for (const Index n_blocks : {0, 1, 2, 7, 1000}) {
    for (int rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(owned_blocks(n_blocks, rank, even), owned_blocks(n_blocks, rank, 3));
    }
    for (const auto& weights : {std::vector<Index>{100, 50, 100, 30}, {0, 1, 0, 0}, {3, 0, 0, 1}, {7}}) {
      const auto total = static_cast<Real>(std::accumulate(weights.begin(), weights.end(), Index{0}));
      Index next = 0;
      for (std::size_t rank = 0; rank < weights.size(); ++rank) {
        const Range blocks = owned_blocks(n_blocks, static_cast<int>(rank), weights);
        EXPECT_EQ(blocks.begin, next);
        next = blocks.end;
        EXPECT_NEAR(static_cast<Real>(blocks.size()), static_cast<Real>(n_blocks * weights[rank]) / total,
                    weights[rank] > 0 ? 1 : 0);
      }
      EXPECT_EQ(next, n_blocks);
    }
  }
}

TEST(BlockPlan, WeightsFollowSpeedsThatDifferByMoreThanNoise) {
  using Weights = std::vector<Index>;
  EXPECT_EQ(weights_of(std::vector<Real>{3e6}), (Weights{100}));
  EXPECT_EQ(weights_of(std::vector<Real>{90, 100, 110, 115, 86}), (Weights{100, 100, 100, 100, 100}));
  EXPECT_EQ(weights_of(std::vector<Real>{100, 51, 100}), (Weights{100, 51, 100}));
  EXPECT_EQ(weights_of(std::vector<Real>{100, 50}), (Weights{100, 50}));
  EXPECT_EQ(weights_of(std::vector<Real>{1, 1, 3, 1, 1e-9}), (Weights{100, 100, 300, 100, 1}));
}

TEST(BlockPlan, MoreRanksThanBlocksLeavesSomeWithoutRows) {
  const BlockPlan plan{.n_rows = 900, .block_rows = 512};
  int n_without = 0;
  for (int rank = 0; rank < 5; ++rank) {
    n_without += owned_rows(plan, rank, 5).empty() ? 1 : 0;
  }
  EXPECT_EQ(n_without, 3);
}

}  // namespace
}  // namespace meha
