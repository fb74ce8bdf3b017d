// SPDX-License-Identifier: MIT
// The best state so far by rows that neither level trains on (Level::Holdout): the one with the smallest loss on them, of
// equals the first. (The loss tells neighbours apart that a few hundred rows classify alike.) It lives in State beside
// the current one, as best_x, best_y, … of the method's variables, and best_score = (iteration, loss): checkpoints hold
// both, and results describe the best one. Only scheduled reports are looked at, so that interruptions do not matter.
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/core/metric.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// Whether `a` is better on held-out rows than `b`; anything with such metrics is, when `b` has none.
bool is_better(const Metrics& a, const Metrics& b);

/// Adds the fields. @param variables  of the method, which State has
void add_best_state(State& state, std::span<const Variable> variables);

/// Copies State into its best_ fields when these metrics of it are better. No-op without them. Collective.
/// @param metrics  on rank 0
void keep_if_best(const Communicator& comm, State& state, const Metrics& metrics);

/// Iteration of the best state, or of the current one where none is kept: of the state that results describe.
Index solution_iteration(const State& state);

/// Leaves the best state alone in State: its iteration and variables. No-op without one.
void choose_best(State& state);

}  // namespace meha
