// SPDX-License-Identifier: MIT
// G-PBGD: penalty on the squared gradient of the lower level, h = ‖∇_y f(x,y)‖².
//   (x⁺, y⁺) = Proj( (x,y) − s_k (α, β) [ ∇F(x,y) + (γ_k/2) ∇h(x,y) ] )                 both at (x,y)
//   ∇h/2 = (∇²_xy f·∇_y f, ∇²_yy f·∇_y f),   γ_k = min(γ₀ + k (γ − γ₀)/ramp, γ),   s_k = min(1/(γ_k + 1e-8), 1)
// Source: Shen, Chen, "On Penalty-Based Bilevel Gradient Descent Method", ICML 2023, arXiv 2302.05185, Algorithm 2.
// Notation: γ → algorithm.g_pbgd.gamma, γ₀ → gamma_start.
// Differs from the source: directions of x and y may pass through momentum or Adam. Full batches only: h of a minibatch is
// not an estimate of h.
// Where ∇²_yy f is singular, h may vanish off the lower level's solutions.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct GPbgdOptions {
  Real gamma_start = 0, gamma = 37;
  Real ramp = 5000;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.g_pbgd.gamma_start", Rule::at_least(0), Fixed, "penalty of |grad_y f|^2/2 at the start"},
        gamma_start);
    see(OptionInfo{"algorithm.g_pbgd.gamma", Rule::positive(), Fixed, "that penalty at the end of the ramp"}, gamma);
    see(OptionInfo{"algorithm.g_pbgd.ramp", Rule::positive(), Fixed, "iterations in which the penalty gets there"},
        ramp);
  }
};

class GPbgd final : public SmoothMethod {
 public:
  GPbgd(const AlgorithmOptions& options, const Problem& problem);
  /// β = 1/(s ‖∇²_yy F‖ + 2 s γ ‖∇²_yy f‖²) at the start, with γ and s where s γ is largest first, as if ∇²_xy f were as
  /// long as ∇²_yy f; α = β, with x per row n·β, with Adam 0.01.
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  void step(Oracle& oracle, State& state) override;

 private:
  const GPbgdOptions own_;
};

}  // namespace meha
