// SPDX-License-Identifier: MIT
// Which of its variables a run that is not finite any more blew up in, and what would have been milder.
#pragma once

#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// The first of these variables that holds values which are not finite, else the one with the largest value, in words:
/// with the sizes of all and the step to lower. Collective.
std::string blow_up(const Communicator& comm, const State& state, std::span<const Variable> variables);

}  // namespace meha
