// SPDX-License-Identifier: MIT
// AID: approximate implicit differentiation; T steps on the lower level, then its linear system is solved for v.
//   y ← y − β ∇_y f(x,y), T times;   v ≈ (H + δI)⁻¹ b   with H = ∇²_yy f(x,y), b = ∇_y F(x,y) at the y reached
//   x⁺ = Proj_X( x − α [ ∇_x F − ∇²_xy f·v ] )
// The solvers; v and y go on from the iteration before:
//   cg        N steps of conjugate gradients from v; stops where pᵀ(H+δI)p ≤ 0 or ‖r‖ ≤ 1e-13 ‖b‖
//   neumann   v = η Σ_{j=0}^{N} (I − η(H+δI))^j b, that is N of the next steps from v = ηb
//   gradient  v ← v − η((H+δI)v − b), N times                                             (AmIGO)
// Sources: Ji, Yang, Liang, "Bilevel Optimization: Convergence Analysis and Enhanced Design", ICML 2021, arXiv 2010.07962 (cg:
// AID-BiO; neumann: stocBiO); Grazzi, Franceschi, Pontil, Salzo, ICML 2020, arXiv 2006.16218; Arbel, Mairal, "Amortized
// Implicit Differentiation for Stochastic Bilevel Optimization", ICLR 2022, arXiv 2111.14580.
// Notation: T → algorithm.aid.inner, N → products, δ → damping (0 there), η → algorithm.eta; the sources take η = β.
// Differs from the source: directions of x and y may pass through momentum or Adam; X by projection. One minibatch of F serves
// all of an iteration, each step on f has its own; cg takes full batches only.
// T + N + 1 passes, neumann one more; cg takes ∇²_xy f·v from its own products, v being their sum.
// Needs ∇²_yy f > 0. Where it is singular, v grows along the null space, which shows in residual_v = ‖(H+δI)v − b‖; damping
// bounds v.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct AidOptions {
  std::string solver = "cg";
  Index inner = 10, products = 10;
  Real damping = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.aid.solver", Rule::one_of("cg|neumann|gradient"), Fixed,
                   "how the linear system for v is solved: conjugate gradients, Neumann series, gradient steps"},
        solver);
    see(OptionInfo{"algorithm.aid.inner", Rule::at_least(1), Fixed, "steps of y in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.aid.products", Rule::at_least(1), Fixed, "steps of the solver in an iteration, N"},
        products);
    see(OptionInfo{"algorithm.aid.damping", Rule::at_least(0), Fixed,
                   "multiple of the identity that is added to the second derivatives of f"},
        damping);
  }
};

class Aid final : public SmoothMethod {
 public:
  Aid(const AlgorithmOptions& options, const Problem& problem);
  void step(Oracle& oracle, State& state) override;

 private:
  /// Products of cg along one direction p.
  struct Along {
    Vec hess;                    // (H+δI)p
    Vec cross;                   // J p of the rows stored here, J = ∇²_xy f
    Real square = 0, inner = 0;  // x per row: ‖J p‖² and ⟨J p, J v⟩ over all ranks
  };

  void step_inner(Oracle& oracle, State& s, Index first);
  void conjugate_gradients(Oracle& oracle, State& s);
  Along products_along(Oracle& oracle, State& s, const Vec& p, bool with_upper);
  void add_to_cross(Real factor, const Along& along);
  void gradient_steps(Oracle& oracle, State& s, Index first);

  const AidOptions own_;
  const Index n_sub_steps_;
  // Scratch of one step.
  Result upper_;           // F at the y reached
  Vec cross_;              // cg: J v of the rows stored here
  Real cross_square_ = 0;  // cg, x per row: its squared length over all ranks
};

}  // namespace meha
