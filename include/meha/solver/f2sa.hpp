// SPDX-License-Identifier: MIT
// F2SA: fully first-order, with a growing penalty λ_k; y follows the lower level with F added, z that without.
//   T times:  y ← y − a_k (∇_y F(x,y) + λ_k ∇_y f(x,y)),   z ← z − g_k ∇_y f(x,z);   z⁰ = y⁰
//   x⁺ = Proj_X( x − ξ_k [ ∇_x F(x,y) + λ_k (∇_x f(x,y) − ∇_x f(x,z)) ] )
// with, for t = k+1 and factors b, e, c:
//   paper      a_k = b t^(−5/7),  g_k = e t^(−4/7),  ξ_k = c t^(−5/7),  λ_k = λ t^(1/7)
//   benchopt   a_k = b t^(−5/7),  g_k = e t^(−4/7),  ξ_k = c t^(−4/7),  λ_{k+1} = λ_k + δ t^(−1/7),  λ_0 = λ
// Source: Kwon, Kwon, Wright, Nowak, "A Fully First-Order Method for Stochastic Bilevel Optimization", ICML 2023,
// arXiv 2301.10945, Algorithm 1; "benchopt" is the schedule of benchopt/benchmark_bilevel, whose λ_k grows like t^(6/7).
// Notation: T → algorithm.f2sa.inner, λ → lambda, δ → lambda_growth, b → algorithm.beta, e → eta, c → alpha.
// Differs from the source: there λ_k = g_k/(2 a_k), that is b = e/(2λ); directions of x and y may pass through momentum
// or Adam; X by projection; the order of work (solver/two_points).
#pragma once

#include "meha/solver/two_points.hpp"

namespace meha {

struct F2saOptions {
  Index inner = 10;
  std::string schedule = "paper";
  Real lambda = 1;
  Real lambda_growth = 0.1;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.f2sa.inner", Rule::at_least(1), Fixed, "steps of y and z in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.f2sa.schedule", Rule::one_of("paper|benchopt"), Fixed,
                   "how the steps fall and the penalty grows: like (k+1)^(1/7), or as in benchmark_bilevel"},
        schedule);
    see(OptionInfo{"algorithm.f2sa.lambda", Rule::positive(), Fixed, "penalty of f relative to F at the start"},
        lambda);
    see(OptionInfo{"algorithm.f2sa.lambda_growth", Rule::at_least(0), Fixed,
                   "schedule = \"benchopt\": the penalty's first growth"},
        lambda_growth);
  }
};

class F2sa final : public TwoPoints {
 public:
  F2sa(const AlgorithmOptions& options, const Problem& problem);
  void add_fields(const Oracle& oracle, State& state) override;
  void init(Oracle& oracle, State& state) override;

 private:
  [[nodiscard]] Plan plan(const State& s, Index k) const override;
  void grow(State& s) const override;

  const F2saOptions own_;
};

}  // namespace meha
