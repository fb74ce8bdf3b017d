// SPDX-License-Identifier: MIT
// F2BA: fully first-order, with a constant penalty λ; y follows the lower level with F added, z that without.
//   T times:  y ← y − b (∇_y f(x,y) + ∇_y F(x,y)/λ),   z ← z − a ∇_y f(x,z);   z⁰ = y⁰
//   x⁺ = Proj_X( x − ξ [ ∇_x F(x,y) + λ (∇_x f(x,y) − ∇_x f(x,z)) ] )
// The solution is approached to O(1/λ).
// Source: Chen, Ma, Zhang, "Near-Optimal Nonconvex-Strongly-Convex Bilevel Optimization with Fully First-Order Oracles",
// JMLR 2025, arXiv 2306.14853, Algorithms 1 (full batches) and 2 (minibatches).
// Notation: T → algorithm.f2ba.inner, λ → lambda, b → algorithm.beta, a → eta, ξ → alpha.
// Differs from the source: a and b may differ; z goes on from its last value in the next iteration; directions of x and y
// may pass through momentum or Adam; X by projection; the order of work (solver/two_points).
#pragma once

#include "meha/solver/two_points.hpp"

namespace meha {

struct F2baOptions {
  Index inner = 10;
  Real lambda = 10;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.f2ba.inner", Rule::at_least(1), Fixed, "steps of y and z in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.f2ba.lambda", Rule::positive(), Fixed, "penalty of f relative to F"}, lambda);
  }
};

class F2ba final : public TwoPoints {
 public:
  F2ba(const AlgorithmOptions& options, const Problem& problem);

 private:
  [[nodiscard]] Plan plan(const State& s, Index k) const override;

  const F2baOptions own_;
};

}  // namespace meha
