// SPDX-License-Identifier: MIT
#include "meha/problem/deal.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace meha {
namespace {

constexpr Index n_features = 3;

/// n rows of a table of 2n rows, last first; on rank 0 only.
Selection backwards(const Communicator& comm, Index n) {
  Selection selection;
  if (comm.is_root()) {
    auto table = std::make_shared<Table>();
    table->n_rows = 2 * n;
    table->n_features = n_features;
    table->element = Element::UInt8;
    for (Index i = 0; i < 2 * n * n_features; ++i) {
      table->features.push_back(static_cast<std::byte>(i % 251));
    }
    for (Index i = 0; i < n; ++i) {
      selection.rows.push_back(2 * n - 1 - i);
      selection.labels.push_back(static_cast<Label>(i));
    }
    selection.table = table;
  }
  return selection;
}

TEST(DealMpi, EachRankGetsTheRowsOfItsBlocksInOrder) {
  const Communicator comm = Communicator::world();
  for (const Index n : {1, 7, 8, 50}) {
    for (const Index block_rows : {1, 4, 64}) {
      const RowSet mine = deal_rows(comm, backwards(comm, n), block_rows);
      const BlockPlan plan{.n_rows = n, .block_rows = block_rows};
      EXPECT_EQ(mine.plan().n_rows, n);
      EXPECT_EQ(mine.n_features(), n_features);
      EXPECT_EQ(mine.rows(), owned_rows(plan, comm.rank(), comm.size()));
      Vec seen = Vec::Zero(n);
      Index n_wrong = 0;
      for (Index i = mine.rows().begin; i < mine.rows().end; ++i) {
        const Tile tile = mine.tile({i, i + 1});
        seen[i] += 1;
        n_wrong += tile.labels[0] != i ? 1 : 0;
        for (Index f = 0; f < n_features; ++f) {
          const Index stored = (2 * n - 1 - i) * n_features + f;
          n_wrong += std::to_integer<Index>(tile.features[f]) != stored % 251 ? 1 : 0;
        }
      }
      EXPECT_EQ(n_wrong, 0) << n << " rows in blocks of " << block_rows;
      comm.sum(as_span(seen));
      EXPECT_EQ(seen, Vec::Ones(n)) << n << " rows in blocks of " << block_rows;
    }
  }
}

TEST(DealMpi, ValuesFollowTheirRows) {
  const Communicator comm = Communicator::world();
  const BlockPlan plan{.n_rows = 23, .block_rows = 4};
  std::vector<std::int16_t> all;
  if (comm.is_root()) {
    all.resize(23);
    std::iota(all.begin(), all.end(), std::int16_t{1000});
  }
  const auto mine = deal_values(comm, plan, all);
  const Range own = owned_rows(plan, comm.rank(), comm.size());
  std::vector<std::int16_t> expected(static_cast<std::size_t>(own.size()));
  std::iota(expected.begin(), expected.end(), static_cast<std::int16_t>(1000 + own.begin));
  EXPECT_EQ(mine, expected);
  EXPECT_TRUE(deal_values(comm, plan, std::vector<Index>()).empty());
}

TEST(DealMpi, NoRowsAtAllIsAnEmptySet) {
  const Communicator comm = Communicator::world();
  const RowSet mine = deal_rows(comm, {}, 512);
  EXPECT_TRUE(mine.rows().empty());
  EXPECT_EQ(mine.plan().n_blocks(), 0);
}

}  // namespace
}  // namespace meha
