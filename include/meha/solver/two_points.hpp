// SPDX-License-Identifier: MIT
// What F2SA, F2BA and F2SA-p share: two points follow lower levels with different weights of F, and x descends on the
// difference of f between them. With weights (p, q) of y and (p', q') of z, u and u' of F in the direction of x:
//   T times:  y ← y − b_k (p ∇_y f(x,y) + q ∇_y F(x,y)),   z ← z − g_k (p' ∇_y f(x,z) + q' ∇_y F(x,z));   z⁰ = y⁰
//   x⁺ = Proj_X( x − ξ_k [ u ∇_x F(x,y) + u' ∇_x F(x,z) + P (∇_x f(x,y) − ∇_x f(x,z)) ] )
// The order of work, not of updates, differs: the pass that takes ∇_x at the last y and z of iteration k takes ∇_y there
// after the step of x, which is the first inner gradient of iteration k+1. State holds y and z as after T steps and, in
// y_next and z_next, after the first step of the iteration to come. Sub-step t of iteration k is on the minibatch of step
// kT + t; the step of x on that of the sub-step which follows it.
// y may pass through momentum or Adam, which count its sub-steps; z is stepped along plain gradients.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

class TwoPoints : public SmoothMethod {
 public:
  /// x, y and, with what begins the next iteration, y_next and z_next.
  [[nodiscard]] std::vector<Variable> variables() const override;
  void add_fields(const Oracle& oracle, State& state) override;
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 protected:
  struct Point {
    Real lower = 1, upper = 0;  // weights of ∇_y f and ∇_y F in its steps
    Real upper_x = 0;           // weight of ∇_x F there in the step of x
    Real step = 0;
  };
  struct Plan {
    Point y, z;
    Real penalty = 0;  // P
    Real step_x = 0;
  };
  TwoPoints(Traits traits, const AlgorithmOptions& options, const Problem& problem, Index inner);

  /// Weights and steps of iteration k. @param s  as grow() has left it for this iteration
  [[nodiscard]] virtual Plan plan(const State& s, Index k) const = 0;
  /// Makes what the plan takes from State fit the next iteration.
  virtual void grow(State& /*state*/) const {}

 private:
  /// What a sweep was asked for at a point.
  struct Asked {
    const Result* lower = nullptr;  // x per row: F has joined it, with the weights of the point
    const Result* upper = nullptr;  // shared x; null where F has no weight
  };
  Asked ask(Sweep& sweep, const Vec& at, const Point& point, Want want) const;
  [[nodiscard]] static Vec along(const Asked& asked, const Point& point);
  void step_points(State& s, const Plan& plan, const Asked& at_y, const Asked& at_z, Vec& y, Vec& z, Index j);
  void inner_step(Oracle& oracle, State& s, const Plan& now, Vec& y, Vec& z, Index j);
  void step_rows(State& s, const Plan& now, Range rows, const Asked& at_y, const Asked& at_z, RowSums& sums) const;

  const Index inner_;  // T
};

}  // namespace meha
