// SPDX-License-Identifier: MIT
// Random numbers for tests. The seed is the same on every rank; MEHA_TEST_SEED=17 tries another one.
#pragma once

#include <cstdlib>
#include <string>

#include "meha/core/random.hpp"

namespace meha::test {

inline Index seed() {
  const char* text = std::getenv("MEHA_TEST_SEED");
  return text != nullptr ? std::atoll(text) : 1;
}

/// For SCOPED_TRACE: what a failing test prints.
inline std::string seed_text() {
  return "MEHA_TEST_SEED=" + std::to_string(seed());
}

/// Uniform in [-scale, scale); `which` tells one use from another.
inline Real random_value(Index which, Index i, Real scale = 1) {
  return scale * (2 * random_uniform(seed(), Stream::Check, 1000 + which, i) - 1);
}

inline Vec random_vector(Index size, Index which, Real scale = 1) {
  Vec v(size);
  for (Index i = 0; i < size; ++i) {
    v[i] = random_value(which, i, scale);
  }
  return v;
}

}  // namespace meha::test
