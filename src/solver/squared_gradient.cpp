// SPDX-License-Identifier: MIT
#include "meha/solver/squared_gradient.hpp"

namespace meha {

Vec SquaredGradient::along_x(Real metric, Real p, Real q) const {
  Vec d = metric * q * grad_x;
  if (upper_x.size() > 0) {
    d += metric * p * upper_x;
  }
  return d;
}

SquaredGradient squared_gradient(Oracle& oracle, State& s, Real metric) {
  SquaredGradient here;
  Vec g;
  {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(s["y"], Want::GradY);
    const Result& upper = sweep.upper(s["y"], Want::Value | Want::GradX | Want::GradY);
    sweep.run();
    g = lower.grad_y;
    here.upper = upper.value;
    here.upper_x = upper.grad_x;
    here.upper_y = upper.grad_y;
  }
  here.h = g.squaredNorm();
  const Real scale = here.h > 0 ? here.h : 1;  // the sum over rows is rounded to a share of about 1/n
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(s["y"], Want::HessY | Want::CrossX, &g);
  if (oracle.per_row()) {
    sweep.after([&](Range rows, RowSums& sums) {
      sums.residual_square += lower.cross_x.segment(rows.begin, rows.size()).squaredNorm() / scale;
    });
  }
  sweep.run();
  here.grad_x = 2 * lower.cross_x;
  here.grad_y = 2 * lower.hess_y;
  here.square_x =
      metric * (oracle.per_row() ? 4 * scale * sweep.row_sums().residual_square : here.grad_x.squaredNorm());
  here.square = here.square_x + here.grad_y.squaredNorm();
  here.product = here.upper_y.dot(here.grad_y);
  here.upper_square = here.upper_y.squaredNorm();
  if (!oracle.per_row()) {  // F contains x
    here.product += metric * here.upper_x.dot(here.grad_x);
    here.upper_square += metric * here.upper_x.squaredNorm();
  }
  return here;
}

Real metric_of_x(Real option, const Problem& problem) {
  if (option > 0) {
    return option;
  }
  const Real n = problem.x_layout() == XLayout::PerRow ? static_cast<Real>(problem.n_rows(Level::Lower)) : 1;
  return n * n;
}

}  // namespace meha
