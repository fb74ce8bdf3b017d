// SPDX-License-Identifier: MIT
// What an iteration of a method costs, counted by letting it make one on a problem of one row a level: its Counts there are
// points, directions, passes and messages for each row of a real problem, and its fields show what State will hold.
#pragma once

#include "meha/core/options.hpp"
#include "meha/solver/oracle.hpp"

namespace meha {

struct Cost {
  Counts counts;                                         // of one iteration
  Index fields_of_x = 0, fields_of_y = 0;                // State holds x and y so many times
  Index variables_of_y = 0;                              // of these, what a solution consists of
  Index sums_of_x = 0, sums_of_y = 0, sums_besides = 0;  // numbers in the messages: so many times (shared) x and y
};

/// Collective.
/// Errors: as make_algorithm().
Cost cost_of_iteration(const AlgorithmOptions& options, XLayout x_layout, Communicator& comm);

}  // namespace meha
