// SPDX-License-Identifier: MIT
// h = ‖∇_y f(x,y)‖², by which some methods measure how far y is from the lower level's solution, and F beside it.
//   g = ∇_y f(x,y);   ∇h = (2 ∇²_xy f·g, 2 ∇²_yy f·g)
// Two passes: g and ∇F, then the products along g.
// Products of vectors that have a part of x and a part of y measure x by a metric s, as if x were √s·x' and products were
// of (x', y): with x per row gradients to x are O(1/n) beside those to y, and s of about n² makes them alike.
#pragma once

#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"

namespace meha {

struct SquaredGradient {
  Real h = 0;
  Real upper = 0;         // F
  Vec grad_x, grad_y;     // ∇h; of x the rows stored here
  Vec upper_x, upper_y;   // ∇F; x per row: upper_x is 0 and empty
  Real square = 0;        // ‖∇h‖², over all ranks as those below
  Real square_x = 0;      // the part of x in it
  Real product = 0;       // ⟨∇F, ∇h⟩
  Real upper_square = 0;  // ‖∇F‖²

  /// Returns s·(p ∇_x F + q ∇_x h) for the rows stored here.
  [[nodiscard]] Vec along_x(Real metric, Real p, Real q) const;
  /// Returns p ∇_y F + q ∇_y h.
  [[nodiscard]] Vec along_y(Real p, Real q) const { return p * upper_y + q * grad_y; }
};

/// At x and y of State, on the rows of its iteration. Collective.
SquaredGradient squared_gradient(Oracle& oracle, State& state, Real metric);

/// Returns the metric of x: what an option says, or n² with x per row and 1 with shared x where it says 0.
Real metric_of_x(Real option, const Problem& problem);

}  // namespace meha
