// SPDX-License-Identifier: MIT
// In which variable a run became infinite or not a number, and which step size to lower.
#pragma once

#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// The first of these variables that holds values which are not finite, else the one with the largest value, in words:
/// with the sizes of all and the step to lower. Collective.
std::string blow_up(const Communicator& comm, const State& state, std::span<const Variable> variables);

}  // namespace meha
