// SPDX-License-Identifier: MIT
#include "meha/problem/features_in_use.hpp"

#include "meha/data/feature_numbers.hpp"
#include "meha/problem/capabilities.hpp"

namespace meha {
namespace {

/// Sets the bit of each feature that occurs in the rows owned here.
void mark_features(const RowSet& rows, std::vector<std::uint64_t>& occurs) {
  const Index block_rows = rows.plan().block_rows;
  std::vector<Index> blocks;
  for (Index row = rows.rows().begin; row < rows.rows().end; row += block_rows) {
    blocks.push_back(row / block_rows);
  }
  rows.expect(blocks);
  for (const Index block : blocks) {
    const Tile tile = rows.tile(rows.plan().rows(block));
    for (Index row = 0; row < tile.n_rows; ++row) {
      for (const Entry& entry : tile.entries(row)) {
        occurs[entry.feature / 64] |= std::uint64_t{1} << entry.feature % 64;
      }
    }
  }
  if (const auto failure = rows.failure()) {
    throw Error(*failure);
  }
}

}  // namespace

std::vector<Index> keep_features_in_use(const Communicator& comm, PerLevel<RowSet>& rows) {
  const Index n_features = rows[Level::Lower].n_features();
  std::vector<std::uint64_t> occurs(static_cast<std::size_t>((n_features + 63) / 64));
  comm.all_or_none([&] {
    for (const RowSet& of_level : rows) {
      if (of_level.element() == Storage::Sparse) {
        mark_features(of_level, occurs);
      }
    }
  });
  comm.any(occurs);
  std::vector<Index> in_use;
  list_bits(occurs, n_features, in_use);
  if (in_use.empty() || 2 * std::ssize(in_use) >= n_features) {
    return {};
  }
  const auto numbers = std::make_shared<const FeatureNumbers>(std::move(occurs));
  for (RowSet& of_level : rows) {
    if (of_level.element() == Storage::Sparse) {
      of_level.renumber(numbers);
    }
  }
  return in_use;
}

}  // namespace meha
