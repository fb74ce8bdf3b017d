// SPDX-License-Identifier: MIT
// Rank 0 holds the files; every other rank holds the rows of its own blocks and nothing else.
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/data/split.hpp"

namespace meha {

struct DealtRows {
  PerLevel<RowSet> rows;
  std::string fingerprint;  // the same on all ranks
};

/// Returns the bytes that the machine (or control group) of a rank has to spare for it; the least of all ranks. Collective.
Index spare_memory_of_rank(const Communicator& comm);

/// Returns per set of rows, given its bytes of features on a rank: −1 if it fits into `memory`, else the bytes that its read
/// buffers may use.
PerLevel<Index> buffers_of(const PerLevel<Index>& sizes, Index memory);

/// Hands each rank the rows of its own blocks, reading every file once; or, when they do not fit, leaves the training rows
/// (and, as far as need be, others) on disk, to be read by each rank itself. Collective.
/// @param split   on rank 0; ignored elsewhere
/// @param memory  bytes for rows on every rank; 0: half of what its machine has to spare
/// Errors: as for_each_band(); Error(Data) when rows fit neither into memory nor can stay on disk. On all ranks.
DealtRows deal_split(const Communicator& comm, const Split& split, Index block_rows, Index memory = 0);

/// Hands each rank the rows of its own blocks of one selection. Errors: as deal_split().
RowSet deal_rows(const Communicator& comm, const Selection& selection, Index block_rows);

/// Hands each rank what belongs to its own rows. @param all  on rank 0, may be empty; ignored elsewhere. Collective.
template <class T>
std::vector<T> deal_values(const Communicator& comm, const BlockPlan& plan, const std::vector<T>& all) {
  std::vector<Index> first = {0};
  for (int rank = 0; rank < comm.size(); ++rank) {
    first.push_back(comm.is_root() && !all.empty() ? owned_rows(plan, rank, comm.weights()).end : 0);
  }
  std::vector<Index> from;
  return comm.exchange(std::span<const T>(all), first, from);
}

}  // namespace meha
