// SPDX-License-Identifier: MIT
// The State that a job begins with: the problem's start, models of labels, a given state, or a checkpoint.
#pragma once

#include "meha/app/labels.hpp"
#include "meha/app/origin.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// x, y and the models of labels where a run begins. @param choice  whose work the start's includes
/// @param has_same_rows  whether run.initial_state is known to be of the same training rows: else a warning tells where it
///                       was made with other data     Collective.
State start_of(const Options& options, Oracle& oracle, const ModelChoice& choice, bool has_same_rows);

/// Adds all fields and fills them. Collective.
/// @param origin  its file and its iteration are the same on all ranks
/// @param start   of the run; ignored where it goes on from a checkpoint
void fill_state(const Options& options, const Origin& origin, const State& start, Oracle& oracle, Algorithm& algorithm,
                State& state);

}  // namespace meha
