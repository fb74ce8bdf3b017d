// SPDX-License-Identifier: MIT
#include "meha/core/blocks.hpp"

#include <algorithm>

namespace meha {

Range BlockPlan::rows(Index block) const {
  return rows(Range{block, block + 1});
}

Range BlockPlan::rows(Range blocks) const {
  return {std::min(blocks.begin * block_rows, n_rows), std::min(blocks.end * block_rows, n_rows)};
}

Range owned_blocks(Index n_blocks, int rank, int n_ranks) {
  return {n_blocks * rank / n_ranks, n_blocks * (rank + 1) / n_ranks};
}

Range owned_rows(const BlockPlan& plan, int rank, int n_ranks) {
  return plan.rows(owned_blocks(plan.n_blocks(), rank, n_ranks));
}

}  // namespace meha
