// SPDX-License-Identifier: MIT
// Who computes how many of the blocks, before rows are dealt out. The exact sum gives the same bits whoever it is.
#pragma once

#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

/// Sets the communicator's weights as comm.balance says. "measured": all ranks at once, so that they are in each other's
/// way as they will be in the run, time row kernels like the run's, 30 ms where all are equally fast, else 0.3 s.
/// Collective.
/// @return which ranks have a share of their own, for people; empty when rows are shared evenly
/// Errors: Error(Config) for a comm.balance that is neither a word nor one weight of each rank.
std::string share_rows(Communicator& comm, const Options& options, Simd simd);

}  // namespace meha
