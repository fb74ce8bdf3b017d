// SPDX-License-Identifier: MIT
// BVFSM: interior point on the value function of the lower level, a sequence of regularised problems.
//   z ← z − η (∇_y f(x,z) + 2μz),  Z times;   f* = f(x,z) + μ‖z‖² + τ
//   y ← y − β (∇_y F(x,y) + 2θy + σ ∇_y f(x,y)/(f* − f(x,y))),  T times
//   x⁺ = Proj_X( x − α [ ∇_x F(x,y) − σ (∇_x f(x,z) − ∇_x f(x,y))/(f* − f(x,y)) ] )
//   μ, θ, σ, τ are divided by (k+1)^d;   z⁰ = y⁰
// Source: Liu, Liu, Yuan, Zeng, Zhang, "A Value-Function-based Interior-point Method for Non-convex Bi-level Optimization",
// ICML 2021, arXiv 2106.07991; Liu, Liu, Zeng, Zhang, Zhang, "Value-Function-based Sequential Minimization for Bi-level
// Optimization", arXiv 2110.04974.
// Notation: Z → algorithm.bvfsm.inner_z, T → inner_y, μ → weight_z, θ → weight_y, σ → barrier, τ → slack, d → decay.
// Differs from the source: where f(x,y) ≥ f*, y begins at z, and a step of y is halved until it ends inside (the released code
// puts into the logarithm what does not depend on f(x,y)); the direction of x may pass through momentum or Adam; X by
// projection. Full batches only.
// Steps of y that are long against the barrier magnify rounding errors by 1/(f* − f): such runs differ after some iterations
// between programs, not between numbers of ranks.
// Z + T + 1 passes, and one for each halving.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct BvfsmOptions {
  Index inner_z = 50, inner_y = 25;
  Real weight_z = 0.01, weight_y = 0.01;
  Real barrier = 0.001;
  Real slack = 1;
  Real decay = 1.1;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.bvfsm.inner_z", Rule::at_least(1), Fixed, "steps of z in an iteration, Z"}, inner_z);
    see(OptionInfo{"algorithm.bvfsm.inner_y", Rule::at_least(1), Fixed, "steps of y in an iteration, T"}, inner_y);
    see(OptionInfo{"algorithm.bvfsm.weight_z", Rule::at_least(0), Fixed, "of |z|^2 beside f, mu"}, weight_z);
    see(OptionInfo{"algorithm.bvfsm.weight_y", Rule::at_least(0), Fixed, "of |y|^2 beside F, theta"}, weight_y);
    see(OptionInfo{"algorithm.bvfsm.barrier", Rule::positive(), Fixed, "of the logarithm beside F, sigma"}, barrier);
    see(OptionInfo{"algorithm.bvfsm.slack", Rule::positive(), Fixed, "added to the value of the lower level, tau"},
        slack);
    see(OptionInfo{"algorithm.bvfsm.decay", Rule::at_least(0), Fixed, "the four are divided by (k+1)^decay"}, decay);
  }
};

class Bvfsm final : public SmoothMethod {
 public:
  Bvfsm(const AlgorithmOptions& options, const Problem& problem);
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 private:
  /// Both levels at a point y; vectors of x are of the rows stored here.
  struct Point {
    Real gap = 0;  // f* − f
    Vec grad_x, grad_y, grad_x_upper, grad_y_upper;
    Real square = 0;  // x per row: ‖∇_x f(x,z) − ∇_x f(x,y)‖² over all ranks
  };
  enum class Which { First, Middle, Last };  // of the visits to y in an iteration

  void step_z(Oracle& oracle, State& s);
  Point visit(Oracle& oracle, State& s, const Vec& y, Which which);
  Point step_inside(Oracle& oracle, State& s, const Point& here, Which next);
  [[nodiscard]] Real factor(Index k) const;

  const BvfsmOptions own_;
  Real bound_ = 0;   // scratch of one step: f*
  Vec grad_x_at_z_;  // and ∇_x f(x,z) of the rows stored here
};

}  // namespace meha
