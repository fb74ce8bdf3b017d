// SPDX-License-Identifier: MIT
#include "meha/solver/soba.hpp"

namespace meha {

Soba::Soba(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "soba", .helpers = {"v"}, .alpha_by_beta = 0.25, .inverts = true}, options, problem),
      average_(options.of<SobaOptions>().average),
      averages_(average_ > 0 && average_ < 1) {}

void Soba::add_fields(const Oracle& oracle, State& s) {
  SmoothMethod::add_fields(oracle, s);
  if (averages_) {
    s.add("h", per_row_, oracle.stored_x_size());
  }
}

void Soba::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  auto sweep = oracle.sweep(s["x"], k);
  const Result& lower = sweep.lower(s["y"], Want::GradY | Want::HessY | Want::CrossX, &s["v"]);
  const Result& upper = sweep.upper(s["y"], Want::GradX | Want::GradY);
  const auto x_step = [&](Range rows, RowSums& sums) { step_rows(s, rows, lower, upper, sums); };
  sweep.after(std::cref(x_step));
  sweep.run();
  if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      note_x(sweep.row_sums());
      const Vec d_v = lower.hess_y - upper.grad_y;
      note("residual_v", d_v.norm());
      s["v"] -= eta(k) * d_v;
      Vec d_y = lower.grad_y;
      step_y(s, beta(k), d_y);
    });
  }
  s.iteration = k + 1;
}

/// Of these rows; of x as a whole where it is shared.
void Soba::step_rows(State& s, Range rows, const Result& lower, const Result& upper, RowSums& sums) const {
  Vec d = -lower.cross_x.segment(rows.begin, rows.size());
  if (!per_row_) {  // F contains x
    d += upper.grad_x;
  }
  if (averages_) {
    auto h = s["h"].segment(rows.begin, rows.size());
    const Vec next = (1 - average_) * h + average_ * d;
    d = h;
    h = next;
  }
  step_x(s, rows, alpha(s.iteration), d, sums);
}

}  // namespace meha
