// SPDX-License-Identifier: MIT
// How good a solution (x, y) is, whatever found it: the proximal lower problem is solved, not estimated.
//   θ*  = argmin_{θ∈Y} h(θ),   h(θ) = f(x,θ) + g(x,θ) + ‖θ−y‖²/(2γ),     v_γ(x,y) = h(θ*)
//   gap = φ(x,y) − v_γ(x,y) ≥ 0,   φ = f + g;  0 exactly where y is lower-level optimal (f convex) or stationary
//   R   = dist(0, ∇F + c[∇f + ∂g − ∇v_γ] + N_{X×Y}),   ∇v_γ = (∇_x f(x,θ*) + ∇_x g(x,θ*), (y−θ*)/γ)
// R is the norm of the proximal-gradient mapping c·((x,y) − Prox_s((x,y) − s·d))/s for a small s: it grows to that
// distance as s falls, and equals it where g = 0, X and Y are whole spaces.
// h is minimised by accelerated proximal gradients with backtracking (Beck, Teboulle 2009), restarted where the momentum
// points uphill (O'Donoghue, Candès 2015). For a nonconvex f, θ* is a stationary point of h not above its start.
// Source: Liu, Liu, Yao, Zeng, Zhang, ICML 2024, arXiv 2405.09927, (5) and the residual R_k of Theorem 3.1.
#pragma once

#include "meha/solver/oracle.hpp"

namespace meha {

struct CertificatePlan {
  Real gamma = 1;
  Real penalty = 1;         // c
  Real tolerance = 1e-8;    // of ‖∂h‖
  Index iterations = 2000;  // at most
};

struct Certificate {
  Real upper_value = 0;     // F(x,y)
  Real lower_value = 0;     // φ(x,y)
  Real envelope = 0;        // v_γ(x,y)
  Real residual = 0;        // R
  Real theta_distance = 0;  // ‖θ* − θ‖ to the θ that was given
  Real tolerance = 0;       // length of the last proximal-gradient mapping of h, infinite before the first
  Index iterations = 0;     // that it took
  bool is_finite = true;    // else none of the above counts
  [[nodiscard]] Real gap() const { return lower_value - envelope; }
};

/// @param x  as State stores it     @param y, theta  (n_y)
/// Ends early when a stop is asked for; the tolerance says how far it came. Collective.
Certificate certify(Oracle& oracle, Vec& x, const Vec& y, const Vec& theta, const CertificatePlan& plan);

struct LowerSolution {
  Vec y;  // ŷ = argmin_{y∈Y} f(x,·) + g(x,·); a stationary point not above the start where f is not convex
  Real value = 0;        // f + g there
  Real residual = 0;     // ‖y₀ − Prox_1(y₀ − ∇f(x,y₀))‖ at the start y₀
  Real tolerance = 0;    // as in Certificate
  Index iterations = 0;  // that it took
  bool is_finite = true;
};

/// Solves the lower level at this x, from y. @param first_step  of the gradient, halved where it is too long
/// @param plan  gamma and penalty play no part     Collective.
LowerSolution solve_lower(Oracle& oracle, Vec& x, const Vec& y, Real first_step, const CertificatePlan& plan);

}  // namespace meha
