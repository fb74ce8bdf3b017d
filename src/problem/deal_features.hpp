// SPDX-License-Identifier: MIT
// Features on their way from the files, which rank 0 reads once, to the ranks that own the rows.
#pragma once

#include <functional>
#include <span>

#include "meha/comm/communicator.hpp"
#include "meha/data/selection.hpp"

namespace meha {

/// Calls `see(owner, rows)` for every block, in order.
template <class See>
void for_each_block(const Communicator& comm, const BlockPlan& plan, See&& see) {
  for (int owner = 0; owner < comm.size(); ++owner) {
    const Range blocks = owned_blocks(plan.n_blocks(), owner, comm.weights());
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      see(owner, plan.rows(block));
    }
  }
}

/// Fills the features of `mine`, the rows of each selection that this rank owns.
/// @param see  called on rank 0 for every row, before it is dealt; may be empty
/// Errors: what reading throws, on all ranks. Collective.
void deal_features(const Communicator& comm, std::span<const Selection* const> selections, std::span<RowSet> mine,
                   const std::function<void(std::size_t, Index, std::span<const std::byte>)>& see);

}  // namespace meha
