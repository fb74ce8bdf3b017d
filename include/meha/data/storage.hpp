// SPDX-License-Identifier: MIT
// What the values of rows are stored as, in files and in memory, and the one conversion between float16 and float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meha/core/types.hpp"

namespace meha {

/// What a value is stored as; Sparse: rows are lists of an Entry for each value that is not 0.
enum class Storage : int { UInt8, Int32, Int64, Float16, Float32, Float64, Sparse };

/// A feature of a sparse row.
struct Entry {
  std::uint32_t feature;
  float value;
};

/// Bytes of a value; Sparse: of an Entry.
constexpr Index bytes_per(Storage storage) {
  switch (storage) {
    case Storage::UInt8:
      return 1;
    case Storage::Float16:
      return 2;
    case Storage::Int32:
    case Storage::Float32:
      return 4;
    case Storage::Int64:
    case Storage::Float64:
      return 8;
    case Storage::Sparse:
      return Index{sizeof(Entry)};
  }
  return 0;
}

/// Returns what features that a file stores so become in memory: float16 becomes float32, all others stay.
constexpr Storage in_memory(Storage stored) {
  return stored == Storage::Float16 ? Storage::Float32 : stored;
}

/// Returns what a stored feature is multiplied by: a uint8 v stands for v/255.
constexpr Real feature_scale(Storage storage) {
  return storage == Storage::UInt8 ? 1.0 / 255.0 : 1.0;
}

/// Returns the name for messages and options, such as "float16".
const char* name_of(Storage storage);

/// Converts n float16 to float32, exactly. The two do not overlap; neither need be aligned.
void widen(const std::byte* halves, Index n, std::byte* floats);
/// Converts n float32 to the nearest float16, ties to even; beyond its range to infinity. Otherwise as widen().
void narrow(const std::byte* floats, Index n, std::byte* halves);

}  // namespace meha
