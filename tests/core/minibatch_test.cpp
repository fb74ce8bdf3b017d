// SPDX-License-Identifier: MIT
#include "meha/core/minibatch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace meha {
namespace {

const BlockPlan plan{.n_rows = 103, .block_rows = 10};  // 11 blocks, the last of 3 rows

TEST(Minibatches, ZeroOrEnoughRowsMeansAllBlocks) {
  for (const Index batch : {0, 103, 1000}) {
    Minibatches batches(plan, batch, 1, Stream::LowerBatch);
    EXPECT_TRUE(batches.full());
    EXPECT_EQ(batches.blocks(5), (std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(batches.n_rows(5), 103);
  }
}

TEST(Minibatches, RoundTheBatchUpToWholeBlocks) {
  EXPECT_EQ(Minibatches(plan, 1, 1, Stream::LowerBatch).blocks(0).size(), 1U);
  EXPECT_EQ(Minibatches(plan, 10, 1, Stream::LowerBatch).blocks(0).size(), 1U);
  EXPECT_EQ(Minibatches(plan, 11, 1, Stream::LowerBatch).blocks(0).size(), 2U);
  EXPECT_FALSE(Minibatches(plan, 11, 1, Stream::LowerBatch).full());
}

TEST(Minibatches, TakeOneBlockOfEachStratumAndVisitEachOncePerEpoch) {
  for (const Index batch : {10, 30, 40, 101}) {
    Minibatches batches(plan, batch, 7, Stream::LowerBatch);
    const auto n_strata = static_cast<int>(batches.blocks(0).size());
    for (int stratum = 0; stratum < n_strata; ++stratum) {
      const Range in_stratum = owned_blocks(plan.n_blocks(), stratum, n_strata);
      for (Index epoch = 0; epoch < 4; ++epoch) {
        std::set<Index> visited;
        for (Index k = epoch * in_stratum.size(); k < (epoch + 1) * in_stratum.size(); ++k) {
          const Index block = batches.blocks(k)[static_cast<std::size_t>(stratum)];
          EXPECT_GE(block, in_stratum.begin);
          EXPECT_LT(block, in_stratum.end);
          visited.insert(block);
        }
        EXPECT_EQ(visited.size(), static_cast<std::size_t>(in_stratum.size()))
            << batch << ' ' << stratum << ' ' << epoch;
      }
    }
  }
}

TEST(Minibatches, APassLeavesNoBlockOut) {
  for (const Index batch : {0, 10, 30, 40, 101}) {
    Minibatches batches(plan, batch, 7, Stream::LowerBatch);
    std::set<Index> visited;
    for (Index k = 0; k < batches.steps_per_pass(); ++k) {
      EXPECT_LT(visited.size(), static_cast<std::size_t>(plan.n_blocks()));
      visited.insert(batches.blocks(k).begin(), batches.blocks(k).end());
    }
    EXPECT_EQ(visited.size(), static_cast<std::size_t>(plan.n_blocks())) << batch;
  }
  EXPECT_EQ(Minibatches({.n_rows = 0}, 0, 7, Stream::LowerBatch).steps_per_pass(), 1);
}

TEST(Minibatches, DependOnTheStepOnly) {
  Minibatches forward(plan, 30, 7, Stream::LowerBatch);
  Minibatches backward(plan, 30, 7, Stream::LowerBatch);
  std::vector<std::vector<Index>> seen;
  for (Index k = 0; k < 40; ++k) {
    seen.push_back(forward.blocks(k));
  }
  for (Index k = 39; k >= 0; --k) {
    EXPECT_EQ(backward.blocks(k), seen[static_cast<std::size_t>(k)]) << k;
    EXPECT_EQ(Minibatches(plan, 30, 7, Stream::LowerBatch).blocks(k), seen[static_cast<std::size_t>(k)]) << k;
  }
  EXPECT_TRUE(std::is_sorted(seen[3].begin(), seen[3].end()));
}

TEST(Minibatches, CountTheRowsOfShortBlocks) {
  Minibatches batches(plan, 10, 7, Stream::LowerBatch);
  Index total = 0;
  for (Index k = 0; k < 11; ++k) {
    EXPECT_EQ(batches.n_rows(k), batches.blocks(k).front() == 10 ? 3 : 10);
    total += batches.n_rows(k);
  }
  EXPECT_EQ(total, 103);
}

TEST(Minibatches, EpochsStrataSeedsAndStreamsDrawTheirOwnOrders) {
  const BlockPlan large{.n_rows = 200, .block_rows = 1};
  const auto order = [&](Index batch, std::size_t stratum, Index first_step, Index seed, Stream stream) {
    Minibatches batches(large, batch, seed, stream);
    const Index n = 200 / batch;
    std::vector<Index> blocks;
    for (Index k = first_step; k < first_step + n; ++k) {
      blocks.push_back(batches.blocks(k)[stratum] - static_cast<Index>(stratum) * n);
    }
    return blocks;
  };
  const auto first = order(2, 0, 0, 1, Stream::LowerBatch);
  EXPECT_NE(first, order(2, 0, 100, 1, Stream::LowerBatch));
  EXPECT_NE(first, order(2, 1, 0, 1, Stream::LowerBatch));
  EXPECT_NE(first, order(2, 0, 0, 2, Stream::LowerBatch));
  EXPECT_NE(first, order(2, 0, 0, 1, Stream::UpperBatch));
}

}  // namespace
}  // namespace meha
