// SPDX-License-Identifier: MIT
// A step size as a function of the iteration k (from 0) and of the number n of lower rows:
//   constant  a          power  a·(k + b)^power          per row  a·n
#pragma once

#include <string>

#include "meha/core/types.hpp"

namespace meha {

struct Schedule {
  enum class Kind : int { Constant, Power, PerRow };

  Kind kind = Kind::Constant;
  Real a = 0;
  Real b = 1;
  Real power = 0;

  /// The step size at iteration `k` of a problem with `n_rows` lower rows.
  [[nodiscard]] Real at(Index k, Index n_rows) const;
  /// As written in a config: `0.1`, `{a = 0.1, b = 1.0, power = -0.5}`, `{per_row = 0.5}`.
  [[nodiscard]] std::string toml() const;
  friend bool operator==(const Schedule&, const Schedule&) = default;
};

inline Schedule constant(Real a) {
  return {.kind = Schedule::Kind::Constant, .a = a};
}

/// Shortest decimal that reads back as the same number; always with a point or an exponent, so TOML reads a float.
std::string shortest(Real value);

}  // namespace meha
