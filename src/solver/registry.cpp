// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <array>

#include "meha/solver/meha.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Algorithm> make(const AlgorithmOptions& options, const Problem& problem) {
  return std::make_unique<Kind>(options, problem);
}

constexpr std::array algorithms = {
    AlgorithmInfo{"meha", "single-loop, Hessian-free, Moreau envelope (arXiv 2405.09927)", make<Meha>},
};

}  // namespace

std::span<const AlgorithmInfo> algorithm_table() {
  return algorithms;
}

std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem) {
  std::string known;
  for (const AlgorithmInfo& info : algorithms) {
    if (options.name == info.name) {
      return info.make(options, problem);
    }
    known += (known.empty() ? "" : "|") + std::string(info.name);
  }
  throw Error(ExitCode::Config, "algorithm.name = " + toml(options.name) + ": must be one of " + known);
}

}  // namespace meha
