// SPDX-License-Identifier: MIT
#include "meha/core/blocks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace meha {

Range BlockPlan::rows(Index block) const {
  return rows(Range{block, block + 1});
}

Range BlockPlan::rows(Range blocks) const {
  return {std::min(blocks.begin * block_rows, n_rows), std::min(blocks.end * block_rows, n_rows)};
}

Range owned_blocks(Index n_blocks, int rank, std::span<const Index> weights) {
  const auto before = [&](std::ptrdiff_t r) { return std::accumulate(weights.begin(), weights.begin() + r, Index{0}); };
  const Index all = before(std::ssize(weights));
  return {n_blocks * before(rank) / all, n_blocks * before(rank + 1) / all};
}

Range owned_blocks(Index n_blocks, int rank, int n_ranks) {
  return {n_blocks * rank / n_ranks, n_blocks * (rank + 1) / n_ranks};
}

Range owned_rows(const BlockPlan& plan, int rank, std::span<const Index> weights) {
  return plan.rows(owned_blocks(plan.n_blocks(), rank, weights));
}

Range owned_rows(const BlockPlan& plan, int rank, int n_ranks) {
  return plan.rows(owned_blocks(plan.n_blocks(), rank, n_ranks));
}

std::vector<Index> weights_of(std::span<const Real> speeds) {
  constexpr Real noise = 0.15;
  std::vector<Real> sorted(speeds.begin(), speeds.end());
  const auto middle = sorted.begin() + std::ssize(sorted) / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<Index> weights;
  for (const Real speed : speeds) {
    const Real ratio = speed / *middle;
    weights.push_back(ratio >= 1 - noise && ratio <= 1 / (1 - noise) ? 100
                                                                     : std::max<Index>(1, std::llround(100 * ratio)));
  }
  return weights;
}

}  // namespace meha
