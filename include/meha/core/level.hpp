// SPDX-License-Identifier: MIT
// The sets of rows of a bi-level problem, and the one order in which they stand.
#pragma once

#include <array>
#include <cstddef>

namespace meha {

/// Rows of Holdout choose among iterates, rows of Test judge the choice; neither enters F or f.
enum class Level : int { Lower, Upper, Test, Holdout };

inline constexpr std::array all_levels = {Level::Lower, Level::Upper, Level::Test, Level::Holdout};

/// Returns the name that messages use for these rows.
constexpr const char* name(Level level) {
  constexpr std::array names = {"training", "validation", "test", "held-out"};
  return names[static_cast<std::size_t>(level)];
}

/// One T for each level, reached by the level alone.
template <class T>
struct PerLevel {
  std::array<T, all_levels.size()> values = {};  // in the order of Level

  [[nodiscard]] constexpr T& operator[](Level level) { return values[static_cast<std::size_t>(level)]; }
  [[nodiscard]] constexpr const T& operator[](Level level) const { return values[static_cast<std::size_t>(level)]; }
  [[nodiscard]] constexpr auto begin() { return values.begin(); }
  [[nodiscard]] constexpr auto end() { return values.end(); }
  [[nodiscard]] constexpr auto begin() const { return values.begin(); }
  [[nodiscard]] constexpr auto end() const { return values.end(); }
  friend bool operator==(const PerLevel&, const PerLevel&) = default;
};

}  // namespace meha
