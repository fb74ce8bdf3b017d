// SPDX-License-Identifier: MIT
#include "meha/solver/unrolled.hpp"

namespace meha {

UnrolledMethod::UnrolledMethod(const std::string& name, std::vector<std::string> helpers,
                               const AlgorithmOptions& options, const Problem& problem, Real mixture)
    : SmoothMethod({.name = name,
                    .helpers = std::move(helpers),
                    .refuses_minibatches = "the way back needs the functions of the way there",
                    .refuses_optimizer_y = "the way back knows plain steps only",
                    .needs_local_x = true,
                    .along_y = {.lower = 1, .upper = mixture},
                    .alpha_by_beta = 0.25},
                   options, problem),
      mixture_(mixture) {}

const Result* UnrolledMethod::descend(Oracle& oracle, State& s, Index t, Index n_steps, Want of_upper) {
  trajectory_.resize(static_cast<std::size_t>(n_steps));
  trajectory_[static_cast<std::size_t>(t)] = s["y"];
  const Real mixed = mixture_at(t);
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(s["y"], Want::GradY);
  const Result* upper = nullptr;
  if (mixed > 0) {
    sweep.scale(lower, 1 - mixed);
    sweep.add_upper(s["y"], Want::GradY, mixed, lower);
  } else if (of_upper != Want::Nothing) {
    upper = &sweep.upper(s["y"], of_upper);
  }
  sweep.same_rows_next();
  sweep.run();
  const Real step = beta(s.iteration);
  if (t + 1 < n_steps) {  // every rank computes the same
    s["y"] -= step * lower.grad_y;
    return upper;
  }
  oracle.on_every_rank([&] {
    Vec d = lower.grad_y;
    step_y(s, step, d);
  });
  return upper;
}

Vec UnrolledMethod::go_back(Oracle& oracle, State& s, Range steps, Vec p, const Vec& grad_x) {
  const Real step = beta(s.iteration);
  Vec g = per_row_ ? Vec::Zero(s["x"].size()) : grad_x;  // of the rows stored here
  for (Index t = steps.end - 1; t >= steps.begin && !oracle.agreed().not_finite; --t) {
    const Vec& y = trajectory_[static_cast<std::size_t>(t)];
    const Real mixed = mixture_at(t);
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(y, products, &p);
    if (mixed > 0) {
      sweep.scale(lower, 1 - mixed);
      sweep.add_upper(y, products, mixed, lower, &p);
    }
    const auto of_x = [&](Range rows) {
      return (per_row_ ? 1 - mixed : 1) * lower.cross_x.segment(rows.begin, rows.size());
    };
    const auto x_step = [&](Range rows, RowSums& sums) {
      Vec d = g.segment(rows.begin, rows.size()) - step * of_x(rows);
      step_x(s, rows, alpha(s.iteration), d, sums);
    };
    const bool is_last = t == steps.begin;
    if (is_last) {
      sweep.after(std::cref(x_step));
    } else {
      sweep.same_rows_next();
    }
    sweep.run();
    if (is_last) {
      note_x(sweep.row_sums());
    } else {
      g -= step * of_x({0, g.size()});
    }
    p -= step * lower.hess_y;
  }
  return p;
}

}  // namespace meha
