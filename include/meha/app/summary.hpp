// SPDX-License-Identifier: MIT
// The text that is printed when a job ends.
#pragma once

#include <string>

#include "meha/core/status.hpp"
#include "meha/core/types.hpp"

namespace meha {

/// What a person wants to know at the end: some lines on what was found, the commands that show the rest and, in the
/// last line, why it stopped.
/// @param more  sentences about the labels; may be empty
std::string summary(const std::string& directory, Index solution_iteration, Status status, const std::string& more);

}  // namespace meha
