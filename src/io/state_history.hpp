// SPDX-License-Identifier: MIT
// /history of a state file.
#pragma once

#include "meha/core/history.hpp"
#include "meha/data/hdf5_file.hpp"

namespace meha {

/// Errors: Error(Checkpoint) unless the data set has one dimension.
std::size_t length_of(const Hdf5File& file, const std::string& dataset);

/// Columns stand in the order of their names.
void write_history(Hdf5File& file, const History& history);

/// Errors: Error(Checkpoint).
History read_history(const Hdf5File& file);

}  // namespace meha
