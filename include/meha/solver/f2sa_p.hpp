// SPDX-License-Identifier: MIT
// F2SA-p with p = 2: fully first-order, central difference in the weight of F; y and z follow the lower level with F added
// and with F taken away.
//   T times:  y ← y − b (∇_y f(x,y) + ∇_y F(x,y)/λ),   z ← z − a (∇_y f(x,z) − ∇_y F(x,z)/λ);   z⁰ = y⁰
//   x⁺ = Proj_X( x − ξ [ ½(∇_x F(x,y) + ∇_x F(x,z)) + (λ/2)(∇_x f(x,y) − ∇_x f(x,z)) ] )
// The direction of x is off by O(1/λ²), y by O(1/λ). f − F/λ must be convex in y: λ is large.
// Source: "Faster Gradient Methods for Highly-Smooth Stochastic Bilevel Optimization", arXiv 2509.02937.
// Notation: T → algorithm.f2sa_p.inner, λ → lambda (1/ν of the source), b → algorithm.beta, a → eta (a = b there),
// ξ → alpha; y is y₊ of the source and z is y₋.
// Differs from the source: plain gradient steps of x, not normalised ones; directions of x and y may pass through momentum
// or Adam; X by projection; the order of work (solver/two_points).
#pragma once

#include "meha/solver/two_points.hpp"

namespace meha {

struct F2saPOptions {
  Index inner = 10;
  Real lambda = 100;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.f2sa_p.inner", Rule::at_least(1), Fixed, "steps of y and z in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.f2sa_p.lambda", Rule::positive(), Fixed, "penalty of f relative to F"}, lambda);
  }
};

class F2saP final : public TwoPoints {
 public:
  F2saP(const AlgorithmOptions& options, const Problem& problem);

 private:
  [[nodiscard]] Plan plan(const State& s, Index k) const override;

  const F2saPOptions own_;
};

}  // namespace meha
