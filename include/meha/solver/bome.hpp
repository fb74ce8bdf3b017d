// SPDX-License-Identifier: MIT
// BOME: first-order bi-level method; the lower level enters through its value function, estimated by an inner loop.
//   y_0 = y,   y_{t+1} = y_t − b ∇_y f(x, y_t)  for t < T        (anew from y in every iteration)
//   q = f(x,y) − f(x,y_T),   ∇_x q = ∇_x f(x,y) − ∇_x f(x,y_T),   ∇_y q = ∇_y f(x,y)          (y_T is held fixed)
//   ϕ = ρ‖∇q‖²  or  ϕ = ρ·q;   λ = [ϕ − ⟨∇F, ∇q⟩]₊ / (‖∇q‖² + 1e-8)
//   x⁺ = Proj_X( x − ξ_x (∇_x F + λ ∇_x q) ),   y⁺ = y − ξ_y (∇_y F + λ ∇_y q)
// Source: Ye, Liu, Wright, Stone, Liu, "BOME! Bilevel Optimization Made Easy: A Simple First-Order Approach", NeurIPS 2022,
// arXiv 2209.08709, Algorithm 1.
// Notation: T → algorithm.bome.inner, ϕ → phi ("norm" or "value"), ρ → rate (η there), b → algorithm.eta, ξ_x → alpha,
// ξ_y → beta.
// Differs from the source: the directions of x and y may pass through momentum or Adam; X by projection. Full batches only:
// with minibatches λ is biased.
// With x per row λ is the same for all rows, which the barrier's sums over rows give before any row is stepped.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct BomeOptions {
  Index inner = 10;
  std::string phi = "norm";
  Real rate = 0.5;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.bome.inner", Rule::at_least(1), Fixed, "steps of the inner loop, T"}, inner);
    see(OptionInfo{"algorithm.bome.phi", Rule::one_of("norm|value"), Fixed,
                   "the barrier: rate*|grad q|^2 or rate*q, q the gap of y to the inner loop's end"},
        phi);
    see(OptionInfo{"algorithm.bome.rate", Rule::positive(), Fixed, "factor of the barrier"}, rate);
  }
};

class Bome final : public SmoothMethod {
 public:
  Bome(const AlgorithmOptions& options, const Problem& problem);
  void step(Oracle& oracle, State& state) override;

 private:
  /// What the barrier needs: q and its gradient, and that of F; vectors of x are of the rows stored here.
  struct Barrier {
    Real q = 0;
    Vec grad_x_q, grad_y_q, grad_x_upper, grad_y_upper;
    Real square_x = 0;  // ‖∇_x q‖², over all ranks
  };

  void estimate(Oracle& oracle, State& s);
  [[nodiscard]] Real multiplier() const;

  const BomeOptions own_;
  Barrier barrier_;  // scratch of one step
  Vec inner_;        // y_t
};

}  // namespace meha
