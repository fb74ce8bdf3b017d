// SPDX-License-Identifier: MIT
#include "meha/solver/f2ba.hpp"

namespace meha {

F2ba::F2ba(const AlgorithmOptions& options, const Problem& problem)
    : TwoPoints({.name = "f2ba", .along_y = {.lower = 1, .upper = 1 / options.of<F2baOptions>().lambda}}, options,
                problem, options.of<F2baOptions>().inner),
      own_(options.of<F2baOptions>()) {}

TwoPoints::Plan F2ba::plan(const State& /*s*/, Index k) const {
  return {.y = {.lower = 1, .upper = 1 / own_.lambda, .upper_x = 1, .step = beta(k)},
          .z = {.step = eta(k)},
          .penalty = own_.lambda,
          .step_x = alpha(k)};
}

}  // namespace meha
