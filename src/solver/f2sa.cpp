// SPDX-License-Identifier: MIT
#include "meha/solver/f2sa.hpp"

#include <cmath>

#include "meha/core/power.hpp"

namespace meha {
namespace {

Real power_of(Index k, Real exponent) {
  return power(static_cast<Real>(k + 1), exponent);
}

}  // namespace

F2sa::F2sa(const AlgorithmOptions& options, const Problem& problem)
    : TwoPoints({.name = "f2sa", .along_y = {.lower = options.of<F2saOptions>().lambda, .upper = 1}}, options, problem,
                options.of<F2saOptions>().inner),
      own_(options.of<F2saOptions>()) {}

void F2sa::add_fields(const Oracle& oracle, State& s) {
  TwoPoints::add_fields(oracle, s);
  s.add("lambda", false, 1);
}

void F2sa::init(Oracle& oracle, State& s) {
  s["lambda"][0] = own_.lambda;
  TwoPoints::init(oracle, s);
}

TwoPoints::Plan F2sa::plan(const State& s, Index k) const {
  const Real lambda = s["lambda"][0];
  return {.y = {.lower = lambda, .upper = 1, .upper_x = 1, .step = beta(k) * power_of(k, -5.0 / 7)},
          .z = {.step = eta(k) * power_of(k, -4.0 / 7)},
          .penalty = lambda,
          .step_x = alpha(k) * power_of(k, own_.schedule == "paper" ? -5.0 / 7 : -4.0 / 7)};
}

void F2sa::grow(State& s) const {
  const Index k = s.iteration;
  Real& lambda = s["lambda"][0];
  lambda = own_.schedule == "paper" ? own_.lambda * power_of(k + 1, 1.0 / 7)
                                    : lambda + own_.lambda_growth * power_of(k, -1.0 / 7);
}

}  // namespace meha
