// SPDX-License-Identifier: MIT
// Rank 0 holds the files; every other rank holds the rows of its own blocks and nothing else.
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/data/split.hpp"

namespace meha {

/// Hands each rank its rows, block by block. Collective.
/// @param selection  on rank 0; ignored elsewhere
RowSet deal_rows(const Communicator& comm, const Selection& selection, Index block_rows);

/// Hands each rank the bytes of its own rows (one per row). @param all  on rank 0, may be empty. Collective.
std::vector<std::uint8_t> deal_bytes(const Communicator& comm, const BlockPlan& plan,
                                     const std::vector<std::uint8_t>& all);

}  // namespace meha
