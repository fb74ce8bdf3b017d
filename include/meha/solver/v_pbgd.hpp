// SPDX-License-Identifier: MIT
// V-PBGD: penalty on the value function of the lower level; w follows its solution.
//   w ← w − b ∇_y f(x,w), T times;   w⁰ = y⁰
//   (x⁺, y⁺) = Proj( (x,y) − s_k (α, β) [ ∇F(x,y) + γ_k (∇f(x,y) − (∇_x f(x,w), 0)) ] )           both at (x,y)
//   γ_k = min(γ₀ + k (γ − γ₀)/ramp, γ),   s_k = min(1/(γ_k + 1e-8), 1)
// Source: Shen, Chen, "On Penalty-Based Bilevel Gradient Descent Method", ICML 2023, arXiv 2302.05185, Algorithm 1.
// Notation: T → algorithm.v_pbgd.inner, b → algorithm.eta, γ → gamma, γ₀ → gamma_start.
// Differs from the source: directions of x and y may pass through momentum or Adam; and the order of work, not of updates:
// State holds w of the NEXT iteration, whose first inner gradient comes from the visit to the rows that this iteration makes.
// With minibatches it therefore uses the rows of the iteration before.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct VPbgdOptions {
  Index inner = 1;
  Real gamma_start = 0, gamma = 0.2;
  Real ramp = 30000;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.v_pbgd.inner", Rule::at_least(1), Fixed, "steps of w in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.v_pbgd.gamma_start", Rule::at_least(0), Fixed, "penalty of f at the start"}, gamma_start);
    see(OptionInfo{"algorithm.v_pbgd.gamma", Rule::positive(), Fixed, "penalty of f at the end of the ramp"}, gamma);
    see(OptionInfo{"algorithm.v_pbgd.ramp", Rule::positive(), Fixed, "iterations in which the penalty gets there"},
        ramp);
  }
};

class VPbgd final : public SmoothMethod {
 public:
  VPbgd(const AlgorithmOptions& options, const Problem& problem);
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 private:
  void step_w(Oracle& oracle, State& state, Index k, Index first);

  const VPbgdOptions own_;
};

}  // namespace meha
