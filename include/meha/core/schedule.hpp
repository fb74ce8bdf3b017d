// SPDX-License-Identifier: MIT
// A step size as a function of the iteration k (from 0) and of the number n of lower rows:
//   constant  a          power  a·(k + b)^power, k in iterations or in passes over the lower rows          per row  a·n
//   auto, safe  a constant a that a run chooses when it begins (solver/steps): 0 until then
#pragma once

#include <string>

#include "meha/core/types.hpp"

namespace meha {

struct Schedule {
  enum class Kind : int { Constant, Power, PerRow, Auto, Safe };

  Kind kind = Kind::Constant;
  Real a = 0;
  Real b = 1;
  Real power = 0;
  bool in_passes = false;
  Index per_pass = 1;  // iterations in a pass; a run sets it when it begins

  /// The step size at iteration `k` of a problem with `n_rows` lower rows.
  [[nodiscard]] Real at(Index k, Index n_rows) const;
  /// As written in a config: `0.1`, `{a = 0.1, b = 1.0, power = -0.5, unit = "pass"}`, `{per_row = 0.5}`, `"auto"`, and once it is
  /// chosen `{auto = 0.1}`.
  [[nodiscard]] std::string toml() const;
  /// Whether it is still to be chosen.
  [[nodiscard]] bool is_open() const { return (kind == Kind::Auto || kind == Kind::Safe) && a == 0; }
  friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Whether `one` may stand for `other`: they are equal, or of one kind and one of them is still to be chosen.
inline bool agrees(const Schedule& one, const Schedule& other) {
  return one == other || (one.kind == other.kind && (one.is_open() || other.is_open()));
}

inline Schedule automatic() {
  return {.kind = Schedule::Kind::Auto};
}
inline Schedule constant(Real a) {
  return {.kind = Schedule::Kind::Constant, .a = a};
}

/// Shortest decimal that reads back as the same number; always with a point or an exponent, so TOML reads a float.
std::string shortest(Real value);

}  // namespace meha
