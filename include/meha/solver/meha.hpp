// SPDX-License-Identifier: MIT
// MEHA: single-loop, Hessian-free bi-level method built on the Moreau envelope of the lower level.
//   min_{x∈X, y∈Y} F(x,y)   s.t.   y ∈ argmin_{y∈Y} φ(x,y) = f(x,y) + g(x,y)
//   v_γ(x,y) = inf_θ φ(x,θ) + ‖θ−y‖²/(2γ);     constraint φ − v_γ ≤ 0, penalised by c_k = c·(k+1)^p
// One iteration, for k = 0, 1, … (g̃(x,·) = g(x,·) + indicator of Y; θ⁰ = y⁰):
//   θ⁺ = Prox_{η g̃(x,·)}( θ − η[ ∇_y f(x,θ) + (θ−y)/γ ] )
//   d_x = ∇_x F(x,y)/c_k + ∇_x f(x,y) + ∇_x g(x,y) − ∇_x f(x,θ⁺) − ∇_x g(x,θ⁺)
//   x⁺ = Proj_X( x − α d_x )
//   d_y = ∇_y F(x⁺,y)/c_k + ∇_y f(x⁺,y) − (y − θ⁺)/γ
//   y⁺ = Prox_{β g̃(x⁺,·)}( y − β d_y )
// Source: Liu, Liu, Yao, Zeng, Zhang, ICML 2024, arXiv 2405.09927, Algorithm 1.
// Notation: θ → theta, α_k → alpha, c_k → penalty(k).
// Differs from the source: a direction may pass through momentum or Adam, per variable; and the order of work, not of
// updates: State holds θ^{k+1}, so that ∇_y f(x^{k+1}, θ^{k+1}), which the NEXT θ-step needs, comes from the same visit
// to the rows as the gradients of this iteration. With minibatches the θ-step of k therefore uses the rows of step
// max(k−1, 0), its x- and y-step those of step k.
// For a nonconvex lower level the method guarantees a stationary y of the lower level only.
#pragma once

#include <cmath>

#include "meha/core/options.hpp"
#include "meha/core/power.hpp"
#include "meha/solver/algorithm.hpp"
#include "meha/solver/direction.hpp"

namespace meha {

struct PenaltyOptions {
  Real c = 2;
  Real p = 0.25;
  /// c_k = c·(k+1)^p.
  [[nodiscard]] Real at(Index k) const { return c * power(static_cast<Real>(k + 1), p); }
};

struct MehaOptions {
  Real gamma = 10;
  PenaltyOptions penalty;
  std::string optimizer_theta = "sgd";

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.gamma", Rule::positive(), Fixed, "parameter of the Moreau envelope"}, gamma);
    see(OptionInfo{"algorithm.optimizer_theta", Rule::one_of(directions), Fixed, "how d_theta becomes a direction"},
        optimizer_theta);
    see(OptionInfo{"algorithm.penalty.c", Rule::positive(), Fixed, "c in the penalty c*(k+1)^p"}, penalty.c);
    see(OptionInfo{"algorithm.penalty.p", Rule::between(0, 0.5), Fixed, "p in the penalty c*(k+1)^p"}, penalty.p);
  }
};

class Meha final : public Algorithm {
 public:
  Meha(const AlgorithmOptions& options, const Problem& problem);

  /// x, y and θ.
  [[nodiscard]] std::vector<Variable> variables() const override;
  /// Chooses step sizes by the rules of solver/steps.hpp.
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  void add_fields(const Oracle& oracle, State& state) override;
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;
  void measure(Oracle& oracle, State& state, Metrics& metrics) override;

 private:
  void step_x(State& s, Range rows, const Result& at_y, const Result& at_theta, RowSums& sums);
  void step_y(State& s, In grad);
  void step_theta(State& s, Index k, In grad);
  Real take_step(State& s, const Direction& direction, Range part, Index t, Real step, Vec& v);
  template <class Step>
  void for_portions_of_y(Step&& step);

  AlgorithmOptions options_;
  const Problem& problem_;
  bool per_row_;
  Index n_rows_;
  Direction direction_x_, direction_y_, direction_theta_;
  Vec d_x_, moved_x_;        // scratch
  Vec d_, planned_, moved_;  // of a portion of y or θ
  struct Residuals {
    Real x = -1, y = 0, theta = 0, step_x = 0, step_y = 0;  // x < 0: no step yet
  } last_;
};

}  // namespace meha
