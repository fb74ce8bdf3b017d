// SPDX-License-Identifier: MIT
// Rows are cut into blocks of a fixed number of rows, whatever the number of ranks; consecutive blocks go to
// consecutive ranks. A rank may own none.
#pragma once

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

/// The blocks that `rank` of `n_ranks` owns; counts differ by at most one.
Range owned_blocks(Index n_blocks, int rank, int n_ranks);

/// The rows that `rank` owns (empty where it owns no block).
Range owned_rows(const BlockPlan& plan, int rank, int n_ranks);

}  // namespace meha
