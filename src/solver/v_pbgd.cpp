// SPDX-License-Identifier: MIT
#include "meha/solver/v_pbgd.hpp"

#include "meha/solver/penalty_ramp.hpp"

namespace meha {

VPbgd::VPbgd(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "v_pbgd",
                    .helpers = {"w"},
                    .ahead = 1,
                    .along_y = {.lower = options.of<VPbgdOptions>().gamma * damping(options.of<VPbgdOptions>().gamma),
                                .upper = damping(options.of<VPbgdOptions>().gamma)}},
                   options, problem),
      own_(options.of<VPbgdOptions>()) {}

/// Makes the rest of the T steps of w of iteration k, at the present x; every rank makes the same. @param first  steps made
void VPbgd::step_w(Oracle& oracle, State& s, Index k, Index first) {
  for (Index t = first; t < own_.inner; ++t) {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(s["w"], Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    s["w"] -= eta(k) * lower.grad_y;
  }
}

void VPbgd::init(Oracle& oracle, State& s) {
  s["w"] = s["y"];
  step_w(oracle, s, 0, 0);
}

void VPbgd::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  const Real gamma = ramped_penalty(k, own_.gamma_start, own_.gamma, own_.ramp);
  const Real damp = damping(gamma);
  auto sweep = oracle.sweep(s["x"], k);
  const Result& at_w = sweep.lower(s["w"], Want::GradX | Want::GradY);
  const Result& at_y = sweep.lower(s["y"], Want::GradX | Want::GradY);
  sweep.keep_old_x(at_y);
  sweep.scale(at_y, gamma);
  sweep.add_upper(s["y"], Want::GradX | Want::GradY, 1, at_y);
  const auto x_step = [&](Range rows, RowSums& sums) {
    Vec d = (per_row_ ? gamma : 1) * at_y.grad_x.segment(rows.begin, rows.size()) -
            gamma * at_w.grad_x.segment(rows.begin, rows.size());
    d *= damp;
    step_x(s, rows, alpha(k), d, sums);
  };
  sweep.between_halves(std::cref(x_step));
  sweep.run();
  if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      note_x(sweep.row_sums());
      Vec d = damp * at_y.grad_y;
      step_y(s, beta(k), d);
      s["w"] -= eta(k + 1) * at_w.grad_y;
    });
    step_w(oracle, s, k + 1, 1);
  }
  s.iteration = k + 1;
}

}  // namespace meha
