// SPDX-License-Identifier: MIT
// Nonsmooth terms g and closed convex sets, each with its value and its proximal map or projection:
//   Prox_{s·g}(v) = argmin_y g(y) + ‖y − v‖²/(2s)        Proj_S(v) = argmin_{y∈S} ‖y − v‖
// All maps work in place and cost O(n) (Simplex: O(n log n)). SCAD and MCP are weakly convex: their proximal objective may
// have two local minimisers; the map returns the better one, the smaller in absolute value of equals.
// Source: Parikh, Boyd, Proximal Algorithms, 2014; Fan, Li 2001 (SCAD); Zhang 2010 (MCP); Duchi et al. 2008 (simplex).
#pragma once

#include <vector>

#include "meha/core/types.hpp"

namespace meha::prox {

/// weight·‖y‖₁
struct L1 {
  Real weight = 1;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// Σ_i weights_i·|y_i|, weights ≥ 0
struct WeightedL1 {
  InSpan weights;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// Σ_j weights_j·‖y^(j)‖ over groups of consecutive entries, weights ≥ 0
struct GroupL2 {
  InSpan weights;
  std::span<const Range> groups;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// l1·‖y‖₁ + ½·l2·‖y‖²
struct ElasticNet {
  Real l1 = 1, l2 = 1;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// Σ_i of: λ|t| for |t| ≤ λ;  (2aλ|t| − t² − λ²)/(2(a−1)) for λ < |t| ≤ aλ;  λ²(a+1)/2 beyond.  a > 2
struct Scad {
  Real lambda = 1, a = 3.7;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// Σ_i of: λ|t| − t²/(2b) for |t| ≤ bλ;  bλ²/2 beyond.  b > 0
struct Mcp {
  Real lambda = 1, b = 3;
  [[nodiscard]] Real value(In y) const;
  void apply(Real step, Out y) const;
};

/// {y : low ≤ y_i ≤ high}; the bounds may be infinite
struct Box {
  Real low, high;
  void project(Out y) const;
};

/// {y : y ≥ 0}
struct Nonnegative {
  static void project(Out y);
};

/// {y : ‖y‖ ≤ radius}
struct Ball {
  Real radius = 1;
  void project(Out y) const;
};

/// {y ≥ 0 : Σ y_i = total}
struct Simplex {
  Real total = 1;
  void project(Out y) const;
};

}  // namespace meha::prox
