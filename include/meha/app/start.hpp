// SPDX-License-Identifier: MIT
// The State that a job begins with: the problem's start, models of labels, a given state, or a checkpoint.
#pragma once

#include "meha/app/origin.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// x, y and the models of labels where a run begins. Collective.
State start_of(const Options& options, Oracle& oracle);

/// Adds all fields and fills them. Collective.
/// @param origin  its file and its iteration are the same on all ranks
/// @param start   of the run; ignored where it goes on from a checkpoint
void fill_state(const Options& options, const Origin& origin, const State& start, Oracle& oracle, Algorithm& algorithm,
                State& state);

}  // namespace meha
