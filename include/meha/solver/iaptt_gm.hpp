// SPDX-License-Identifier: MIT
// IAPTT-GM: the inner loop's start z is learned beside x, and F is differentiated where it was largest on the way.
//   y_0 = z;   y_{t+1} = y_t − β ∇_y f(x,y_t),  t < T;   s = the first argmax of F(x,y_t) over 1 ≤ t ≤ T
//   p = ∇_y F(x,y_s),   G = ∇_x F(x,y_s);   for t = s−1 … 0:
//     G ← G − β ∇²_xy f(x,y_t)·p,   then   p ← p − β ∇²_yy f(x,y_t)·p
//   x⁺ = Proj_X( x − αG ),   z⁺ = z − ηp,   y⁺ = y_T;   z⁰ = y⁰
// Source: Liu, Liu, Zeng, Zhang, "Towards Gradient-based Bilevel Optimization with Non-convex Followers and Beyond", NeurIPS
// 2021, arXiv 2110.00455.
// Notation: T → algorithm.iaptt_gm.inner, η → algorithm.eta (α_z there), s → t*.
// Differs from the source: y is y_T, its released code evaluates z; the direction of x may pass through momentum or Adam; X by
// projection.
// T + s + 1 passes, one of them over rows of F alone. Keeps T vectors as long as y beside State.
#pragma once

#include "meha/solver/unrolled.hpp"

namespace meha {

struct IapttGmOptions {
  Index inner = 20;

  void each(auto&& see) {
    see(OptionInfo{"algorithm.iaptt_gm.inner", Rule::at_least(1), OnResume::Fixed, "steps of y in an iteration, T"},
        inner);
  }
};

class IapttGm final : public UnrolledMethod {
 public:
  IapttGm(const AlgorithmOptions& options, const Problem& problem);
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 private:
  /// Where F was largest so far.
  struct Largest {
    Index t = 0;
    Real value = 0;
    Vec grad_x, grad_y;
  };
  void compare(Index t, const Result& upper);

  const IapttGmOptions own_;
  Largest largest_;  // scratch of one step
};

}  // namespace meha
