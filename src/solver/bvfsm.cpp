// SPDX-License-Identifier: MIT
#include "meha/solver/bvfsm.hpp"

#include <cmath>

#include "meha/core/power.hpp"

namespace meha {

Bvfsm::Bvfsm(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "bvfsm",
                    .helpers = {"z"},
                    .refuses_minibatches = "its barrier is made of the value of f over all rows",
                    .refuses_optimizer_y = "it asks of each step whether it ends inside the barrier",
                    .needs_local_x = true,
                    .along_y = {.lower = 1, .upper = 1}},
                   options, problem),
      own_(options.of<BvfsmOptions>()) {}

void Bvfsm::init(Oracle& /*oracle*/, State& s) {
  s["z"] = s["y"];
}

/// Of μ, θ, σ and τ at iteration k.
Real Bvfsm::factor(Index k) const {
  return power(static_cast<Real>(k + 1), -own_.decay);
}

/// Every rank computes the same z from the same sums, and the same y but for the last.
void Bvfsm::step_z(Oracle& oracle, State& s) {
  const Real weight = own_.weight_z * factor(s.iteration);
  for (Index t = 0; t < own_.inner_z && !oracle.agreed().not_finite; ++t) {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(s["z"], Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    const Vec d = lower.grad_y + 2 * weight * s["z"];
    note("residual_z", d.norm());
    s["z"] -= eta(s.iteration) * d;
  }
}

/// The first visit finds f* in the same pass, the last the gradients to x.
Bvfsm::Point Bvfsm::visit(Oracle& oracle, State& s, const Vec& y, Which which) {
  const Want of_x = which == Which::Last ? Want::GradX : Want::Nothing;
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(y, Want::Value | Want::GradY | of_x);
  const Result& upper = sweep.upper(y, Want::GradY | of_x);
  const Result* const at_z = which == Which::First ? &sweep.lower(s["z"], Want::Value | Want::GradX) : nullptr;
  const auto sum_up = [&](Range rows, RowSums& sums) {
    sums.residual_square +=
        (grad_x_at_z_.segment(rows.begin, rows.size()) - lower.grad_x.segment(rows.begin, rows.size())).squaredNorm();
  };
  if (per_row_ && which == Which::Last) {
    sweep.after(std::cref(sum_up));
  }
  sweep.same_rows_next();
  sweep.run();
  if (at_z != nullptr) {
    const Real scale = factor(s.iteration);
    bound_ = at_z->value + scale * (own_.weight_z * s["z"].squaredNorm() + own_.slack);
    grad_x_at_z_ = at_z->grad_x;
  }
  return {.gap = bound_ - lower.value,
          .grad_x = lower.grad_x,
          .grad_y = lower.grad_y,
          .grad_x_upper = upper.grad_x,
          .grad_y_upper = upper.grad_y,
          .square = sweep.row_sums().residual_square};
}

/// Steps y from `here`. @return where it is then
Bvfsm::Point Bvfsm::step_inside(Oracle& oracle, State& s, const Point& here, Which next) {
  constexpr int most_halvings = 40;
  const Real scale = factor(s.iteration);
  const Vec d = here.grad_y_upper + 2 * scale * own_.weight_y * s["y"] + scale * own_.barrier / here.gap * here.grad_y;
  Real step = beta(s.iteration);
  for (int halvings = 0; halvings <= most_halvings && !oracle.agreed().not_finite; ++halvings, step /= 2) {
    const Vec trial = s["y"] - step * d;
    Point there = visit(oracle, s, trial, next);
    if (!(there.gap > 0)) {
      continue;
    }
    if (next == Which::Last) {
      oracle.on_every_rank([&] {
        Vec direction = d;
        step_y(s, step, direction);
      });
    } else {
      s["y"] = trial;
    }
    return there;
  }
  return visit(oracle, s, s["y"], next);  // which no step leaves
}

void Bvfsm::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  step_z(oracle, s);
  Point at_y = visit(oracle, s, s["y"], Which::First);
  if (!(at_y.gap > 0)) {
    s["y"] = s["z"];
    at_y = visit(oracle, s, s["y"], Which::Middle);
  }
  for (Index t = 1; t <= own_.inner_y && !oracle.agreed().not_finite; ++t) {
    at_y = step_inside(oracle, s, at_y, t == own_.inner_y ? Which::Last : Which::Middle);
  }
  if (!oracle.agreed().not_finite) {
    const Real weight = factor(k) * own_.barrier / at_y.gap;
    Vec d = weight * (at_y.grad_x - grad_x_at_z_);
    if (per_row_) {
      note("residual_x", weight * std::sqrt(at_y.square));
    } else {  // F contains x
      d += at_y.grad_x_upper;
    }
    step_all_of_x(oracle, s, alpha(k), d);
  }
  s.iteration = k + 1;
}

}  // namespace meha
