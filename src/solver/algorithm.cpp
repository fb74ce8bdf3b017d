// SPDX-License-Identifier: MIT
#include "meha/solver/algorithm.hpp"

namespace meha {

std::string Algorithm::choose_steps(Oracle& /*oracle*/, AlgorithmOptions& options, const State& /*start*/) const {
  for (const Variable& variable : variables()) {
    const Schedule* step = variable.step == "algorithm.alpha"  ? &options.alpha
                           : variable.step == "algorithm.beta" ? &options.beta
                           : variable.step == "algorithm.eta"  ? &options.eta
                                                               : nullptr;
    if (step != nullptr && step->is_open()) {
      throw Error(ExitCode::Config,
                  variable.step + ": must be given: " + options.name + " has no rule to choose it by");
    }
  }
  return {};
}

}  // namespace meha
