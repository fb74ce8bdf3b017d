// SPDX-License-Identifier: MIT
#include "meha/solver/rxgd.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/power.hpp"
#include "meha/solver/squared_gradient.hpp"

namespace meha {

Rxgd::Rxgd(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "rxgd",
                    .refuses_minibatches = "the squared gradient of a minibatch estimates another function",
                    .needs_local_x = true},
                   options, problem),
      own_(options.of<RxgdOptions>()),
      rate_(own_.rate > 0           ? own_.rate
            : own_.rule == "square" ? 1
                                    : 10),
      metric_(metric_of_x(own_.x_metric, problem)) {}

std::string Rxgd::choose_steps(Oracle& /*oracle*/, AlgorithmOptions& options, const State& /*start*/) const {
  return choose_open_steps(options, [&] {
    const Real step = rate_ * power(own_.horizon, own_.rule == "square" ? -1.0 / 3 : -2.0 / 3);
    OpenSteps steps = steps_from(options, step, step);
    if (optimizer_of_x(options, per_row_) != "adam") {
      steps.alpha = step;  // x has its metric
    }
    return steps;
  });
}

/// λ.
Real Rxgd::multiplier(const SquaredGradient& here) const {
  if (here.square == 0) {
    return 0;
  }
  const Real a = rate_ * power(own_.horizon, -1.0 / 3);
  const Real rho = a * (own_.rule == "square" ? here.square : std::sqrt(here.square * here.h));
  return std::max(rho - here.product, Real(0)) / here.square;
}

void Rxgd::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  const SquaredGradient here = squared_gradient(oracle, s, metric_);
  if (!oracle.agreed().not_finite) {
    const Real lambda = multiplier(here);
    oracle.on_every_rank([&] {
      Vec d = here.along_y(1, lambda);
      step_y(s, beta(k), d);
      if (per_row_) {  // F does not contain x
        note("residual_x", lambda * std::sqrt(here.square_x / metric_));
      }
    });
    Vec d = here.along_x(metric_, 1, lambda);
    step_all_of_x(oracle, s, alpha(k), d);
  }
  s.iteration = k + 1;
}

}  // namespace meha
