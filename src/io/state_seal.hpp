// SPDX-License-Identifier: MIT
// The user block at the head of a state file: it tells whether the rest is whole.
#pragma once

#include <array>
#include <bit>
#include <fstream>
#include <string>

#include "meha/core/types.hpp"

namespace meha {

inline constexpr Index user_block_bytes = 512;
inline constexpr const char* format_name = "meha-state-1";

struct Seal {
  std::array<char, 8> magic = {'M', 'E', 'H', 'A', 'H', 'D', 'F', '5'};
  std::uint64_t length = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(Seal) == 24 && std::endian::native == std::endian::little);

/// Length and hash of everything after the user block.
Seal seal_of(std::ifstream& file);

/// Errors: Error(Checkpoint).
void write_seal(const std::string& path);

}  // namespace meha
