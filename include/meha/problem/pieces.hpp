// SPDX-License-Identifier: MIT
// Vectors that are handed over piece by piece, by whoever has them in another form, so that they are never stored as a whole.
#pragma once

#include <functional>

#include "meha/core/types.hpp"

namespace meha {

/// Takes the numbers of a vector from entry `first` on.
using TakePiece = std::function<void(Index first, InSpan numbers)>;

/// What adds pieces to `sums`, which must outlive it.
inline TakePiece adder_to(OutSpan sums) {
  return [sums](Index first, InSpan numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      sums[static_cast<std::size_t>(first) + i] += numbers[i];
    }
  };
}

}  // namespace meha
