// SPDX-License-Identifier: MIT
// Rows are cut into blocks of a fixed number of rows, whatever the number of ranks; consecutive blocks go to
// consecutive ranks, in proportion to weights w: rank r owns blocks [n·W_r/W, n·W_{r+1}/W), W_r = w_0 + … + w_{r−1}.
// A rank may own none.
#pragma once

#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// How the rows of one set are cut: block b holds rows [b·block_rows, min((b+1)·block_rows, n_rows)).
struct BlockPlan {
  Index n_rows = 0;
  Index block_rows = 512;

  [[nodiscard]] Index n_blocks() const { return (n_rows + block_rows - 1) / block_rows; }
  [[nodiscard]] Range rows(Index block) const;
  [[nodiscard]] Range rows(Range blocks) const;
};

/// Returns the blocks that `rank` owns. @param weights  one of each rank, not all 0
Range owned_blocks(Index n_blocks, int rank, std::span<const Index> weights);
/// Returns the blocks of `rank` where all weights are equal: counts differ by at most one.
Range owned_blocks(Index n_blocks, int rank, int n_ranks);

/// The rows that `rank` owns (empty where it owns no block).
Range owned_rows(const BlockPlan& plan, int rank, std::span<const Index> weights);
Range owned_rows(const BlockPlan& plan, int rank, int n_ranks);

/// Weighs ranks by their speeds (> 0): in percent of the median, in which a speed within 15 % of it counts as equal,
/// being noise more often than not.
std::vector<Index> weights_of(std::span<const Real> speeds);

}  // namespace meha
