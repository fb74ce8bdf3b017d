// SPDX-License-Identifier: MIT
// RXGD: relaxed gradient descent; of all directions that lessen h = ‖∇_y f(x,y)‖² fast enough, the one nearest to −∇F.
//   λ = [ρ − ⟨∇F, ∇h⟩]₊ / ‖∇h‖²   (0 where ∇h = 0),   (x⁺, y⁺) = Proj( (x,y) − s (∇F + λ∇h) )
//   rule 1:  ρ = a ‖∇h‖²,            a = q K^(−1/3),   s = q K^(−1/3),   q = 1
//   rule 2:  ρ = a ‖∇h‖·‖∇_y f‖,     a = q K^(−1/3),   s = q K^(−2/3),   q = 10
// Source: arXiv 2504.17215 (TMLR); code o4lc/SGF-BLO.
// Notation: K → algorithm.rxgd.horizon, the iterations that the steps are made for; q → rate; s → algorithm.alpha for x and
// beta for y, which "auto" sets to the formula.
// Differs from the source: x has a metric (solver/squared_gradient): with x per row products of gradients and the step of
// x are those of x' = x/√x_metric; X by projection, where the source knows no X; directions of x and y may pass through
// momentum or Adam; and y starts where the run does: the source has the lower level solved first, which
// run.initial_state can give. Full batches only.
// As long as ⟨∇F, ∇h⟩ ≥ ρ, λ is 0: where F does not contain x, x stands still until y has nearly minimised F.
// Where ∇h vanishes exactly, the step is along −∇F and leaves the solutions of the lower level.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct SquaredGradient;

struct RxgdOptions {
  std::string rule = "square";
  Real horizon = 1000;
  Real rate = 0;
  Real x_metric = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.rxgd.rule", Rule::one_of("square|product"), Fixed,
                   "how fast h = |grad_y f|^2 falls: a*|grad h|^2 (rule 1) or a*|grad h|*|grad_y f| (rule 2)"},
        rule);
    see(OptionInfo{"algorithm.rxgd.horizon", Rule::positive(), Fixed,
                   "iterations K that the run is meant to have: a = rate*K^(-1/3)"},
        horizon);
    see(OptionInfo{"algorithm.rxgd.rate", Rule::at_least(0), Fixed,
                   "factor of a and of automatic steps; 0: 1 for square, 10 for product"},
        rate);
    see(OptionInfo{"algorithm.rxgd.x_metric", Rule::at_least(0), Fixed,
                   "square of the unit in which x is measured beside y; 0: n^2 with x per row, else 1"},
        x_metric);
  }
};

class Rxgd final : public SmoothMethod {
 public:
  Rxgd(const AlgorithmOptions& options, const Problem& problem);
  /// The source's s for x and y; with Adam 0.01 for x.
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  void step(Oracle& oracle, State& state) override;

 private:
  [[nodiscard]] Real multiplier(const SquaredGradient& here) const;

  const RxgdOptions own_;
  const Real rate_, metric_;
};

}  // namespace meha
