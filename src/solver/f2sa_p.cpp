// SPDX-License-Identifier: MIT
#include "meha/solver/f2sa_p.hpp"

namespace meha {

F2saP::F2saP(const AlgorithmOptions& options, const Problem& problem)
    : TwoPoints({.name = "f2sa_p", .along_y = {.lower = 1, .upper = 1 / options.of<F2saPOptions>().lambda}}, options,
                problem, options.of<F2saPOptions>().inner),
      own_(options.of<F2saPOptions>()) {}

TwoPoints::Plan F2saP::plan(const State& /*s*/, Index k) const {
  return {.y = {.lower = 1, .upper = 1 / own_.lambda, .upper_x = 0.5, .step = beta(k)},
          .z = {.lower = 1, .upper = -1 / own_.lambda, .upper_x = 0.5, .step = eta(k)},
          .penalty = own_.lambda / 2,
          .step_x = alpha(k)};
}

}  // namespace meha
