// SPDX-License-Identifier: MIT
#include "meha/solver/aid.hpp"

#include <cmath>

namespace meha {

Aid::Aid(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "aid",
                    .helpers = {"v"},
                    .refuses_minibatches = options.of<AidOptions>().solver == "cg"
                                               ? "conjugate gradients need the same matrix in every step; "
                                                 "algorithm.aid.solver = \"gradient\" and \"neumann\" take them"
                                               : "",
                    .needs_local_x = options.of<AidOptions>().solver == "cg",
                    .alpha_by_beta = 0.25,
                    .inverts = options.of<AidOptions>().damping == 0},
                   options, problem),
      own_(options.of<AidOptions>()),
      n_sub_steps_(own_.inner + own_.products + (own_.solver == "neumann" ? 2 : 1)) {}

void Aid::step(Oracle& oracle, State& s) {
  const Index first = s.iteration * n_sub_steps_;
  step_inner(oracle, s, first);
  if (own_.solver == "cg") {
    conjugate_gradients(oracle, s);
  } else {
    gradient_steps(oracle, s, first + own_.inner);
  }
  s.iteration += 1;
}

/// The T steps of y, on the minibatches from `first`.
void Aid::step_inner(Oracle& oracle, State& s, Index first) {
  for (Index t = 0; t < own_.inner && !oracle.agreed().not_finite; ++t) {
    auto sweep = oracle.sweep(s["x"], first + t);
    const Result& lower = sweep.lower(s["y"], Want::GradY);
    sweep.run();
    oracle.on_every_rank([&] {
      Vec d = lower.grad_y;
      step_y(s, s["y"], s.iteration * own_.inner + t + 1, beta(s.iteration), d);
    });
  }
}

Aid::Along Aid::products_along(Oracle& oracle, State& s, const Vec& p, bool with_upper) {
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(s["y"], Want::HessY | Want::CrossX, &p);
  const Result* const upper = with_upper ? &sweep.upper(s["y"], Want::GradX | Want::GradY) : nullptr;
  const auto sum_up = [&](Range rows, RowSums& sums) {
    const auto here = lower.cross_x.segment(rows.begin, rows.size());
    sums.residual_square += here.squaredNorm();
    sums.step_square += here.dot(cross_.segment(rows.begin, rows.size()));
  };
  if (per_row_) {
    sweep.after(std::cref(sum_up));
  }
  sweep.same_rows_next();
  sweep.run();
  upper_ = upper != nullptr ? *upper : upper_;
  return {.hess = lower.hess_y + own_.damping * p,
          .cross = lower.cross_x,
          .square = sweep.row_sums().residual_square,
          .inner = sweep.row_sums().step_square};
}

/// J v, once v has moved by factor·p.
void Aid::add_to_cross(Real factor, const Along& along) {
  cross_square_ += 2 * factor * along.inner + factor * factor * along.square;
  cross_ += factor * along.cross;
}

/// Every rank computes the same v from the same sums. Then steps x.
void Aid::conjugate_gradients(Oracle& oracle, State& s) {
  constexpr Real solved = 1e-13;
  Vec& v = s["v"];
  cross_.setZero(s["x"].size());
  cross_square_ = 0;
  const Along along_v = products_along(oracle, s, v, true);
  add_to_cross(1, along_v);
  Vec r = upper_.grad_y - along_v.hess;
  Vec p = r;
  for (Index j = 0; j < own_.products && r.norm() > solved * upper_.grad_y.norm(); ++j) {
    const Along along_p = products_along(oracle, s, p, false);
    const Real curvature = p.dot(along_p.hess);
    const Real square = r.squaredNorm();
    if (oracle.agreed().not_finite || !(curvature > 0)) {
      break;
    }
    v += square / curvature * p;
    r -= square / curvature * along_p.hess;
    add_to_cross(square / curvature, along_p);
    p = r + r.squaredNorm() / square * p;
  }
  if (oracle.agreed().not_finite) {
    return;
  }
  note("residual_v", r.norm());
  Vec d = -cross_;
  if (per_row_) {
    note("residual_x", std::sqrt(std::fabs(cross_square_)));
  } else {  // F contains x
    d += upper_.grad_x;
  }
  step_all_of_x(oracle, s, alpha(s.iteration), d);
}

/// Steps v on the minibatches from `first`, then x. The series begins with a step from v = 0, which needs no product.
void Aid::gradient_steps(Oracle& oracle, State& s, Index first) {
  const bool is_series = own_.solver == "neumann";
  const Index n_steps = n_sub_steps_ - own_.inner - 1;
  Vec& v = s["v"];
  if (is_series) {
    v.setZero();
  }
  Real residual = 0;
  for (Index j = 0; j < n_steps && !oracle.agreed().not_finite; ++j) {
    auto sweep = oracle.sweep(s["x"], first + j);
    const Result* const along_v = j > 0 || !is_series ? &sweep.lower(s["y"], Want::HessY, &v) : nullptr;
    const Result* const upper = j == 0 ? &sweep.upper(s["y"], Want::GradX | Want::GradY) : nullptr;
    sweep.run();
    upper_ = upper != nullptr ? *upper : upper_;
    Vec d = own_.damping * v - upper_.grad_y;
    if (along_v != nullptr) {
      d += along_v->hess_y;
    }
    residual = d.norm();
    v -= eta(s.iteration) * d;
  }
  if (oracle.agreed().not_finite) {
    return;
  }
  auto sweep = oracle.sweep(s["x"], first + n_steps);
  const Result& lower = sweep.lower(s["y"], Want::CrossX, &v);
  const auto x_step = [&](Range rows, RowSums& sums) {
    Vec d = -lower.cross_x.segment(rows.begin, rows.size());
    if (!per_row_) {  // F contains x
      d += upper_.grad_x;
    }
    step_x(s, rows, alpha(s.iteration), d, sums);
  };
  sweep.after(std::cref(x_step));
  sweep.run();
  note_x(sweep.row_sums());
  note("residual_v", residual);
}

}  // namespace meha
