// SPDX-License-Identifier: MIT
// Hashed text has 2^20 features of which a data set uses some percent: parameters of the others would stay 0, and still be
// stepped, sent and stored. Where fewer than half of the features of sparse rows occur, those that do are numbered anew.
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/core/level.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// Numbers the features that occur in rows of any level anew, in their order, where fewer than half do. Rows that stay on
/// disk are read once. Collective. The same on any number of ranks.
/// @return the old numbers of the features, ascending; empty: they stay as they were
/// Errors: Error(Data) when rows cannot be read, on all ranks.
std::vector<Index> keep_features_in_use(const Communicator& comm, PerLevel<RowSet>& rows);

}  // namespace meha
