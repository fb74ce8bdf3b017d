// SPDX-License-Identifier: MIT
// How much memory a process may still take: of the machine, and of the control groups that a scheduler put it into.
#pragma once

#include <string>

#include "meha/core/types.hpp"

namespace meha {

/// Bytes: the least of what Linux calls available and of what every control group above this process (version 1 or 2)
/// leaves below its limit, pages of files counted as free; the largest Index where nothing is known.
/// @param root  of the file system: "/" but in tests
[[nodiscard]] Index spare_memory(const std::string& root = "/");

}  // namespace meha
