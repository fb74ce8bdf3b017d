// SPDX-License-Identifier: MIT
// How far apart two words are, for messages that name the nearest right one.
#pragma once

#include <cstddef>
#include <string_view>

namespace meha {

/// Returns the least number of letters to insert, delete or replace that makes b of a (Levenshtein distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace meha
