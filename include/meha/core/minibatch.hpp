// SPDX-License-Identifier: MIT
// A minibatch is q whole blocks. The block list is cut into q consecutive strata of (nearly) equal length; each epoch of
// a stratum visits its blocks once, in an order drawn from (seed, stream, epoch, stratum); step k takes one block of each.
#pragma once

#include <vector>

#include "meha/core/blocks.hpp"
#include "meha/core/random.hpp"

namespace meha {

class Minibatches {
 public:
  /// @param batch  rows wanted per step; 0 or ≥ plan.n_rows: every step visits all blocks
  Minibatches(BlockPlan plan, Index batch, Index seed, Stream stream);

  [[nodiscard]] bool full() const { return n_strata_ >= plan_.n_blocks(); }
  /// Steps in which every block is visited: the first time none is left out.
  [[nodiscard]] Index steps_per_pass() const {
    return n_strata_ > 0 ? (plan_.n_blocks() + n_strata_ - 1) / n_strata_ : 1;
  }
  /// The blocks of step `k`, ascending.
  [[nodiscard]] const std::vector<Index>& blocks(Index k);
  /// Returns how many rows the blocks of step `k` hold together.
  [[nodiscard]] Index n_rows(Index k);

 private:
  BlockPlan plan_;
  Index n_strata_;
  Index seed_;
  Stream stream_;
  Index cached_step_ = -1;
  std::vector<Index> blocks_;
  struct Order {
    Index epoch = -1;
    std::vector<Index> blocks;
  };
  std::vector<Order> orders_;  // of each stratum, in the epoch last asked for
};

}  // namespace meha
