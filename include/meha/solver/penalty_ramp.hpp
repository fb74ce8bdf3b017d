// SPDX-License-Identifier: MIT
// The penalty of V-PBGD and G-PBGD: γ_k = min(γ₀ + k (γ − γ₀)/ramp, γ), and the factor of their steps at a penalty,
// s = min(1/(γ + 1e-8), 1).
#pragma once

#include <algorithm>

#include "meha/core/types.hpp"

namespace meha {

inline Real ramped_penalty(Index k, Real start, Real end, Real ramp) {
  return std::min(start + static_cast<Real>(k) * (end - start) / ramp, end);
}

inline Real damping(Real penalty) {
  return std::min(1 / (penalty + 1e-8), 1.0);
}

}  // namespace meha
