// SPDX-License-Identifier: MIT
// A text as hashed features: its words, and the runs of 3 and 4 characters inside of <word>, in lower case (ASCII letters).
// What separates words is ASCII that is neither letter nor digit; all other characters belong to words.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// XXH3 (64 bits) of the bytes, modulo n, a power of two.
Index hashed(std::string_view text, Index n);

/// Sets `features` to the feature of every word and run, in the order of the text, as often as it occurs.
/// @param n_features  a power of two
void word_grams(std::string_view text, Index n_features, std::vector<std::uint32_t>& features);

}  // namespace meha
