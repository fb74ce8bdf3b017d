// SPDX-License-Identifier: MIT
#include "meha/solver/sl_bamm.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/power.hpp"

namespace meha {
namespace {

/// The direction of v.
Vec residual_of_v(Real mu, const Result& lower, const Result& upper) {
  Vec d = (1 - mu) * lower.hess_y - upper.grad_y;
  if (mu > 0) {
    d += mu * upper.hess_y;
  }
  return d;
}

}  // namespace

SlBamm::SlBamm(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "sl_bamm", .helpers = {"v"}, .needs_local_x = options.of<SlBammOptions>().cg}, options,
                   problem),
      own_(options.of<SlBammOptions>()) {}

SlBamm::Steps SlBamm::steps(Index k) const {
  const Real t = static_cast<Real>(k + 1);
  const bool averages = own_.strategy != "strongly_convex";
  const Real mu = averages ? own_.mu * power(t, -own_.mu_decay) : 0;
  const Real degree = own_.strategy == "s1" ? 2 : own_.strategy == "s2" ? 1 : 0;  // of μ in η_k; in α_k 2·degree + 3
  const Real beta = this->beta(k);
  const Real of_v = averages ? power(mu, degree) : 1;
  const Real of_x = averages ? power(mu, 2 * degree + 3) : 1;
  return {.mu = mu,
          .beta = beta,
          .eta = this->eta(k) * power(t, -own_.tau / 2) * of_v * beta,
          .alpha = this->alpha(k) * power(t, averages ? -1.5 * own_.tau : -own_.tau) * of_x * beta};
}

std::string SlBamm::choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const {
  const Real mu = options.of<SlBammOptions>().strategy == "strongly_convex" ? 0 : options.of<SlBammOptions>().mu;
  return choose_open_steps(options, [&] {
    const Real beta = 1 / curvature_along_y(oracle, start, {.lower = 1 - mu, .upper = mu});
    const bool adam = optimizer_of_x(options, per_row_) == "adam";
    return OpenSteps{.alpha = adam       ? 0.01 / beta
                              : per_row_ ? static_cast<Real>(n_rows_)
                                         : 1,
                     .beta = beta,
                     .eta = mu == 0 ? 0.125 : 1};
  });
}

void SlBamm::step(Oracle& oracle, State& s) {
  const Steps now = steps(s.iteration);
  const Want along_v = Want::HessY | Want::CrossX;
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(s["y"], Want::GradY | along_v, &s["v"]);
  const Result& upper =
      sweep.upper(s["y"], Want::GradX | Want::GradY | (now.mu > 0 ? along_v : Want::Nothing), &s["v"]);
  const auto x_step = [&](Range rows, RowSums& sums) { step_rows(s, now, rows, lower, upper, sums); };
  if (own_.cg) {
    sweep.same_rows_next();
  } else {
    sweep.after(std::cref(x_step));
  }
  sweep.run();
  if (own_.cg && !oracle.agreed().not_finite) {
    step_along_residual(oracle, s, now, Result(lower), Result(upper));
  } else if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      note_x(sweep.row_sums());
      step_y_and_v(s, now, lower, upper);
    });
  }
  s.iteration += 1;
}

/// @param lower, upper  at State, kept from the sweep before
void SlBamm::step_along_residual(Oracle& oracle, State& s, Steps now, const Result& lower, const Result& upper) {
  constexpr Real tiny = 1e-12;
  const Vec r = residual_of_v(now.mu, lower, upper);
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& along_r = sweep.lower(s["y"], Want::HessY, &r);
  sweep.scale(along_r, 1 - now.mu);
  if (now.mu > 0) {
    sweep.add_upper(s["y"], Want::HessY, now.mu, along_r, &r);
  }
  const auto x_step = [&](Range rows, RowSums& sums) { step_rows(s, now, rows, lower, upper, sums); };
  sweep.after(std::cref(x_step));
  sweep.run();
  if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      note_x(sweep.row_sums());
      now.eta = r.squaredNorm() / (r.dot(along_r.hess_y) + tiny);
      step_y_and_v(s, now, lower, upper);
    });
  }
}

/// Of these rows; of x as a whole where it is shared.
void SlBamm::step_rows(State& s, const Steps& now, Range rows, const Result& lower, const Result& upper,
                       RowSums& sums) const {
  Vec d = -(1 - now.mu) * lower.cross_x.segment(rows.begin, rows.size());
  if (!per_row_) {  // F contains x
    d += upper.grad_x;
    if (now.mu > 0) {
      d -= now.mu * upper.cross_x;
    }
  }
  step_x(s, rows, now.alpha, d, sums);
}

void SlBamm::step_y_and_v(State& s, const Steps& now, const Result& lower, const Result& upper) {
  const Vec d_v = residual_of_v(now.mu, lower, upper);
  Vec d_y = (1 - now.mu) * lower.grad_y + now.mu * upper.grad_y;
  note("residual_v", d_v.norm());
  step_y(s, now.beta, d_y);
  s["v"] -= now.eta * d_v;
}

}  // namespace meha
