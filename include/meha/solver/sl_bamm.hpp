// SPDX-License-Identifier: MIT
// sl-BAMM: single-loop averaged method of multipliers; both levels averaged into one strongly convex function of y.
//   φ_μ = μF + (1−μ)f,   μ_k = μ (k+1)^−d;   v estimates (∇²_yy φ_μ)⁻¹ ∇_y F;   v⁰ = 0
// One iteration, all three at (x^k, y^k, v^k):
//   y⁺ = y − β [ (1−μ_k) ∇_y f + μ_k ∇_y F ]
//   v⁺ = v − η_k [ (1−μ_k) ∇²_yy f·v + μ_k ∇²_yy F·v − ∇_y F ]
//   x⁺ = Proj_X( x − α_k [ ∇_x F − (1−μ_k) ∇²_xy f·v − μ_k ∇²_xy F·v ] )
// with, for t = k+1 and factors a = algorithm.alpha, e = algorithm.eta:
//   s1  η_k = e t^{−τ/2} μ_k² β,   α_k = a t^{−3τ/2} μ_k⁷ β
//   s2  η_k = e t^{−τ/2} μ_k β,    α_k = a t^{−3τ/2} μ_k⁵ β
//   s3  η_k = e t^{−τ/2} β,        α_k = a t^{−3τ/2} μ_k³ β
//   strongly_convex  μ_k = 0,  η_k = e t^{−τ/2} β,  α_k = a t^{−τ} β
//   cg = true, of any: η_k = ‖r‖²/(rᵀ[(1−μ_k) ∇²_yy f + μ_k ∇²_yy F]r + 1e-12),  r the bracket of v⁺;  a second pass
// Source: Liu, Liu, Yao, Zeng, Zhang, "Averaged Method of Multipliers for Bi-Level Optimization without Lower-Level Strong
// Convexity", ICML 2023, arXiv 2302.03407.
// Notation: μ → algorithm.sl_bamm.mu, d → mu_decay (1/p̄ of the source), τ → tau, β → algorithm.beta.
// Differs from the source: factors a and e (1 there; strongly_convex: e = 0.125); directions of x and y may pass through
// momentum or Adam; mu_decay = 0 keeps μ, because μ_k falls so slowly that the lower level is hardly ever solved. Minibatches
// are taken as they come: the source has no theory of them.
// With x per row α_k multiplies a gradient that is O(1/n): a is then of the size of n.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct SlBammOptions {
  std::string strategy = "s3";
  Real mu = 0.9;
  Real mu_decay = 0.1;
  Real tau = 0.025;
  bool cg = false;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.sl_bamm.strategy", Rule::one_of("s1|s2|s3|strongly_convex"), Fixed,
                   "step sizes of v and x relative to beta; strongly_convex: mu = 0, for such lower levels"},
        strategy);
    see(OptionInfo{"algorithm.sl_bamm.mu", Rule::between(0, 1), Fixed, "weight of F beside f: mu*(k+1)^-mu_decay"}, mu);
    see(OptionInfo{"algorithm.sl_bamm.mu_decay", Rule::at_least(0), Fixed, "0: a constant weight"}, mu_decay);
    see(OptionInfo{"algorithm.sl_bamm.tau", Rule::at_least(0), Fixed, "decay of the step sizes of v and x"}, tau);
    see(OptionInfo{"algorithm.sl_bamm.cg", Rule::any(), Fixed, "steps v to the minimum along its residual"}, cg);
  }
};

class SlBamm final : public SmoothMethod {
 public:
  SlBamm(const AlgorithmOptions& options, const Problem& problem);

  /// β = 1/‖∇²_yy φ_μ‖ at the start, by power iteration; a = 1, with x per row n, with Adam 0.01/β; e as in
  /// the source.
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  void step(Oracle& oracle, State& state) override;

 private:
  struct Steps {
    Real mu, beta, eta, alpha;
  };
  [[nodiscard]] Steps steps(Index k) const;
  void step_along_residual(Oracle& oracle, State& s, Steps now, const Result& lower, const Result& upper);
  void step_rows(State& s, const Steps& now, Range rows, const Result& lower, const Result& upper, RowSums& sums) const;
  void step_y_and_v(State& s, const Steps& now, const Result& lower, const Result& upper);

  const SlBammOptions own_;
};

}  // namespace meha
