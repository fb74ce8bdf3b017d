// SPDX-License-Identifier: MIT
// SQCQP with line search: sequential programs of one quadratic constraint, on h = ‖∇_y f(x,y)‖² ≤ ε².
//   c = −a (h − ε²),   B = { d : ‖d + ∇h/(2w)‖² ≤ R² },   R² = ‖∇h/(2w)‖² + c/w
//   d = −∇F if it is in B, else the point of B nearest to it:  d = m + θ (−∇F − m),  m = −∇h/(2w),
//   θ = min(1, R/‖−∇F − m‖);   d = m where R² < 0
//   h − ε² ≥ −1e-5:  (x⁺, y⁺) = Proj( (x,y) + t₀ d )
//   else  t = 1; t is halved until h((x,y) + t d) − ε² ≤ 0.9 (h − ε²); then, from that t, until
//         F((x,y) + t d) ≤ F + 0.1 t ⟨∇F, d⟩;   (x⁺, y⁺) = Proj( (x,y) + t d )
// Source: L-CSS 2025, arXiv 2505.14647; code o4lc/SGF-BLO.
// Notation: w → algorithm.sqcqp.width, ε → tolerance, a → rate, t₀ → algorithm.alpha for x and beta for y.
// Differs from the source: R² < 0, where the code stops; x has a metric (solver/squared_gradient), in which products and
// steps of x are those of x' = x/√x_metric; X by projection, where the source knows no X. After 40 halvings t is taken as
// it is. No momentum: the search is along d. Full batches only.
// The problem solved is the one with h ≤ ε² for its lower level: errors stay of the size of ε.
#pragma once

#include "meha/solver/smooth_method.hpp"
#include "meha/solver/squared_gradient.hpp"

namespace meha {

struct SqcqpOptions {
  Real width = 0.01;
  Real tolerance = 0.1;
  Real rate = 0.1;
  Real x_metric = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.sqcqp.width", Rule::positive(), Fixed, "curvature w of the quadratic constraint"}, width);
    see(OptionInfo{"algorithm.sqcqp.tolerance", Rule::positive(), Fixed,
                   "|grad_y f| that passes for a solution of the lower level"},
        tolerance);
    see(OptionInfo{"algorithm.sqcqp.rate", Rule::positive(), Fixed, "how fast |grad_y f|^2 - tolerance^2 is to fall"},
        rate);
    see(OptionInfo{"algorithm.sqcqp.x_metric", Rule::at_least(0), Fixed,
                   "square of the unit in which x is measured beside y; 0: n^2 with x per row, else 1"},
        x_metric);
  }
};

class Sqcqp final : public SmoothMethod {
 public:
  Sqcqp(const AlgorithmOptions& options, const Problem& problem);
  /// t₀ = 0.05, which the source has for its toys (for hyper-cleaning 1).
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  void step(Oracle& oracle, State& state) override;

 private:
  /// −d = of_upper ∇F + of_h ∇h.
  struct Way {
    Real of_upper = 0, of_h = 0;
    bool searches = false;
  };
  [[nodiscard]] Way way(const SquaredGradient& here) const;
  Real search(Oracle& oracle, State& s, const SquaredGradient& here, const Way& way, const Vec& d_x, const Vec& d_y);

  const SqcqpOptions own_;
  const Real metric_;
};

}  // namespace meha
