// SPDX-License-Identifier: MIT
#include "meha/solver/sqcqp.hpp"

#include <algorithm>
#include <cmath>

namespace meha {

Sqcqp::Sqcqp(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "sqcqp",
                    .refuses_minibatches = "its line search compares values at several points",
                    .needs_local_x = true,
                    .plain_steps = true},
                   options, problem),
      own_(options.of<SqcqpOptions>()),
      metric_(metric_of_x(own_.x_metric, problem)) {}

std::string Sqcqp::choose_steps(Oracle& /*oracle*/, AlgorithmOptions& options, const State& /*start*/) const {
  constexpr Real step = 0.05;
  return choose_open_steps(options, [] { return OpenSteps{.alpha = step, .beta = step, .eta = step}; });
}

Sqcqp::Way Sqcqp::way(const SquaredGradient& here) const {
  constexpr Real margin = 1e-5;
  const Real w = own_.width;
  const Real excess = here.h - own_.tolerance * own_.tolerance;
  const Real radius_square = here.square / (4 * w * w) - own_.rate * excess / w;
  const Real apart_square = here.upper_square - here.product / w + here.square / (4 * w * w);  // ‖−∇F − m‖²
  Real theta = 0;
  if (radius_square >= 0) {
    theta = apart_square <= radius_square ? 1 : std::sqrt(radius_square / apart_square);
  }
  return {.of_upper = theta, .of_h = (1 - theta) / (2 * w), .searches = excess < -margin};
}

/// Returns t. One pass for each that is tried; every rank tries the same.
Real Sqcqp::search(Oracle& oracle, State& s, const SquaredGradient& here, const Way& way, const Vec& d_x,
                   const Vec& d_y) {
  constexpr int most_halvings = 40;
  constexpr Real part = 0.1;  // of what the linear models promise
  const Real bound = own_.tolerance * own_.tolerance;
  const Real slope = -(way.of_upper * here.upper_square + way.of_h * here.product);  // ⟨∇F, d⟩
  bool is_feasible = false;
  Vec x, y;
  Real t = 1;
  for (int n = 0; n < most_halvings; ++n) {
    x = s["x"] - t * d_x;
    problem_.project_x(x);
    y = s["y"] - t * d_y;
    auto sweep = oracle.sweep(x, s.iteration);
    const Result& lower = sweep.lower(y, Want::GradY);
    const Result& upper = sweep.upper(y, Want::Value);
    sweep.run();
    is_feasible = is_feasible || lower.grad_y.squaredNorm() - bound <= (1 - part) * (here.h - bound);
    if ((is_feasible && upper.value <= here.upper + part * t * slope) || oracle.agreed().not_finite) {
      break;
    }
    t /= 2;
  }
  return t;
}

void Sqcqp::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  const SquaredGradient here = squared_gradient(oracle, s, metric_);
  if (!oracle.agreed().not_finite) {
    const Way way = this->way(here);
    Vec d_x = here.along_x(metric_, way.of_upper, way.of_h);
    Vec d_y = here.along_y(way.of_upper, way.of_h);
    const Real t = way.searches ? search(oracle, s, here, way, d_x, d_y) : 0;
    oracle.on_every_rank([&] {
      step_y(s, way.searches ? t : beta(k), d_y);
      if (per_row_) {  // F does not contain x
        note("residual_x", way.of_h * std::sqrt(here.square_x / metric_));
      }
    });
    step_all_of_x(oracle, s, way.searches ? t : alpha(k), d_x);
  }
  s.iteration = k + 1;
}

}  // namespace meha
