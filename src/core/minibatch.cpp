// SPDX-License-Identifier: MIT
#include "meha/core/minibatch.hpp"

#include <algorithm>
#include <numeric>

namespace meha {

Minibatches::Minibatches(BlockPlan plan, Index batch, Index seed, Stream stream)
    : plan_(plan), n_strata_(plan.n_blocks()), seed_(seed), stream_(stream) {
  if (batch > 0 && batch < plan.n_rows) {
    n_strata_ = std::min(n_strata_, (batch + plan.block_rows - 1) / plan.block_rows);
  }
  blocks_.resize(static_cast<std::size_t>(n_strata_));
  std::iota(blocks_.begin(), blocks_.end(), Index{0});
}

const std::vector<Index>& Minibatches::blocks(Index k) {
  if (full() || k == cached_step_) {
    return blocks_;
  }
  cached_step_ = k;
  orders_.resize(blocks_.size());
  for (Index stratum = 0; stratum < n_strata_; ++stratum) {
    const Range in_stratum = owned_blocks(plan_.n_blocks(), static_cast<int>(stratum), static_cast<int>(n_strata_));
    auto& [epoch, order] = orders_[static_cast<std::size_t>(stratum)];
    if (epoch != k / in_stratum.size()) {
      epoch = k / in_stratum.size();
      order.resize(static_cast<std::size_t>(in_stratum.size()));
      std::iota(order.begin(), order.end(), in_stratum.begin);
      random_shuffle(order, seed_ + (stratum << 32), stream_, epoch);
    }
    blocks_[static_cast<std::size_t>(stratum)] = order[static_cast<std::size_t>(k % in_stratum.size())];
  }
  return blocks_;
}

Index Minibatches::n_rows(Index k) {
  Index total = 0;
  for (const Index block : blocks(k)) {
    total += plan_.rows(block).size();
  }
  return total;
}

}  // namespace meha
