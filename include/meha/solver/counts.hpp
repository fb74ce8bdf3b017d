// SPDX-License-Identifier: MIT
// What a method has asked of the rows and of the network: its cost in units that no machine changes.
#pragma once

#include <array>
#include <span>

#include "meha/core/types.hpp"

namespace meha {

struct Counts {
  /// Of each level. A visit is a row at one point of a sweep; a product is a row along one direction, exact or by
  /// differences (which are two points more).
  struct OfLevel {
    Index visits = 0, products = 0, differences = 0;
    Index work = 0;  // rows times points and directions, of every pass: with shared x one sweep may be two passes
  };
  std::array<OfLevel, 2> level;  // Lower, Upper
  Index passes = 0;              // over rows
  Index allreduces = 0;
  Index bytes = 0;  // of a rank's messages in these
};

/// A metric that is counted.
struct CountedKind {
  const char* metric;
  Real (*count)(const Counts&);
};
std::span<const CountedKind> counted_kinds();

}  // namespace meha
