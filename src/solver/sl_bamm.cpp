// SPDX-License-Identifier: MIT
#include "meha/solver/sl_bamm.hpp"

#include <algorithm>
#include <cmath>

#include "meha/solver/direction.hpp"
#include "meha/solver/smooth_lower.hpp"

namespace meha {

SlBamm::SlBamm(const AlgorithmOptions& options, const Problem& problem)
    : options_(options),
      problem_(problem),
      per_row_(problem.x_layout() == XLayout::PerRow),
      n_rows_(problem.n_rows(Level::Lower)),
      direction_x_("x", optimizer_of_x(options, per_row_), options, per_row_ ? n_rows_ : 0),
      direction_y_("y", options.of<DirectionOptions>().optimizer_y, options, 0) {
  require_smooth_lower_level("sl_bamm", problem);
}

std::vector<Variable> SlBamm::variables() const {
  auto all = Algorithm::variables();
  all.push_back({.name = "v", .step = "algorithm.eta"});
  return all;
}

SlBamm::Steps SlBamm::steps(Index k) const {
  const SlBammOptions& own = options_.of<SlBammOptions>();
  const Real t = static_cast<Real>(k + 1);
  const bool averages = own.strategy != "strongly_convex";
  const Real mu = averages ? own.mu * std::pow(t, -own.mu_decay) : 0;
  const Real power = own.strategy == "s1" ? 2 : own.strategy == "s2" ? 1 : 0;  // of μ in η_k; in α_k 2·power + 3
  const Real beta = options_.beta.at(k, n_rows_);
  const Real of_v = averages ? std::pow(mu, power) : 1;
  const Real of_x = averages ? std::pow(mu, 2 * power + 3) : 1;
  return {.mu = mu,
          .beta = beta,
          .eta = options_.eta.at(k, n_rows_) * std::pow(t, -own.tau / 2) * of_v * beta,
          .alpha = options_.alpha.at(k, n_rows_) * std::pow(t, averages ? -1.5 * own.tau : -own.tau) * of_x * beta};
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

void SlBamm::add_fields(const Oracle& oracle, State& s) {
  s.add("x", per_row_, oracle.stored_x_size());
  s.add("y", false, problem_.n_y());
  s.add("v", false, problem_.n_y());
  direction_x_.add_fields(s, oracle.stored_x_size());
  direction_y_.add_fields(s, problem_.n_y());
}

void SlBamm::init(Oracle& /*oracle*/, State& s) {
  s["v"].setZero();
}

void SlBamm::step(Oracle& oracle, State& s) {
  const Steps now = steps(s.iteration);
  const Want along_v = Want::HessY | Want::CrossX;
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(s["y"], Want::GradY | along_v, &s["v"]);
  const Result& upper =
      sweep.upper(s["y"], Want::GradX | Want::GradY | (now.mu > 0 ? along_v : Want::Nothing), &s["v"]);
  const auto x_step = [&](Range rows, RowSums& sums) { step_x(s, now, rows, lower, upper, sums); };
  sweep.after(std::cref(x_step));
  sweep.run();
  if (!oracle.agreed().not_finite) {
    oracle.on_root(
        [&] {
          last_.x = std::sqrt(sweep.row_sums().residual_square);
          last_.step_x = std::sqrt(sweep.row_sums().step_square);
          step_y_and_v(s, now, lower, upper);
        },
        s["y"], s["v"]);
  }
  s.iteration += 1;
}

/// Of these rows; of x as a whole where it is shared.
void SlBamm::step_x(State& s, const Steps& now, Range rows, const Result& lower, const Result& upper,
                    RowSums& sums) const {
  auto x = s["x"].segment(rows.begin, rows.size());
  Vec d = -(1 - now.mu) * lower.cross_x.segment(rows.begin, rows.size());
  if (!per_row_) {  // F contains x
    d += upper.grad_x;
    if (now.mu > 0) {
      d -= now.mu * upper.cross_x;
    }
  }
  step_and_sum(problem_, direction_x_, {.rows = rows, .t = s.iteration + 1, .step = now.alpha}, s, x, d, sums);
}

void SlBamm::step_y_and_v(State& s, const Steps& now, const Result& lower, const Result& upper) {
  Vec& y = s["y"];
  Vec& v = s["v"];
  Vec d_v = (1 - now.mu) * lower.hess_y - upper.grad_y;
  if (now.mu > 0) {
    d_v += now.mu * upper.hess_y;
  }
  Vec d_y = (1 - now.mu) * lower.grad_y + now.mu * upper.grad_y;
  last_.y = d_y.norm();
  last_.v = d_v.norm();
  direction_y_.apply(s, {0, y.size()}, s.iteration + 1, as_span(d_y));
  last_.step_y = now.beta * d_y.norm();
  y -= now.beta * d_y;
  v -= now.eta * d_v;
}

void SlBamm::measure(Oracle& oracle, State& s, Metrics& metrics) {
  measure_values(oracle, s, metrics);
  if (last_.x >= 0) {
    metrics.set("residual", std::max({last_.x, last_.y, last_.v}));
    metrics.set("residual_x", last_.x);
    metrics.set("residual_y", last_.y);
    metrics.set("residual_v", last_.v);
    metrics.set("step_norm_x", last_.step_x);
    metrics.set("step_norm_y", last_.step_y);
  }
}

}  // namespace meha
