// SPDX-License-Identifier: MIT
#include "meha/solver/g_pbgd.hpp"

#include <algorithm>
#include <cmath>

#include "meha/solver/penalty_ramp.hpp"
#include "meha/solver/squared_gradient.hpp"

namespace meha {

GPbgd::GPbgd(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "g_pbgd",
                    .refuses_minibatches = "the squared gradient of a minibatch estimates another function",
                    .needs_local_x = true},
                   options, problem),
      own_(options.of<GPbgdOptions>()) {}

std::string GPbgd::choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const {
  return choose_open_steps(options, [&] {
    const Real lower = curvature_along_y(oracle, start, {.lower = 1, .upper = 0});
    const Real upper = curvature_along_y(oracle, start, {.lower = 0, .upper = 1});
    const Real gamma = std::max(own_.gamma_start, std::min(own_.gamma, 1.0));
    const Real beta = 1 / (damping(gamma) * (upper + 2 * gamma * lower * lower));
    return steps_from(options, beta, beta);
  });
}

void GPbgd::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  const Real gamma = ramped_penalty(k, own_.gamma_start, own_.gamma, own_.ramp);
  const Real damp = damping(gamma);
  const SquaredGradient here = squared_gradient(oracle, s, 1);
  if (!oracle.agreed().not_finite) {
    oracle.on_every_rank([&] {
      Vec d = here.along_y(damp, damp * gamma / 2);
      step_y(s, beta(k), d);
      if (per_row_) {  // F does not contain x
        note("residual_x", damp * gamma / 2 * std::sqrt(here.square_x));
      }
    });
    Vec d = here.along_x(1, damp, damp * gamma / 2);
    step_all_of_x(oracle, s, alpha(k), d);
  }
  s.iteration = k + 1;
}

}  // namespace meha
