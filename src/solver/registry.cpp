// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <algorithm>
#include <vector>

#include "meha/solver/bome.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/sl_bamm.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Algorithm> make(const AlgorithmOptions& options, const Problem& problem) {
  return std::make_unique<Kind>(options, problem);
}

std::vector<AlgorithmInfo>& algorithms() {
  static std::vector<AlgorithmInfo> table = {
      {"meha", "single-loop, Hessian-free, Moreau envelope (arXiv 2405.09927)", make<Meha>},
      {"bome", "first-order, inner loop, value function as a dynamic barrier (NeurIPS 2022)", make<Bome>},
      {"sl_bamm", "single-loop, averaged levels, second-order products (arXiv 2302.03407)", make<SlBamm>},
  };
  return table;
}

}  // namespace

std::span<const AlgorithmInfo> algorithm_table() {
  return algorithms();
}

void add_algorithm(AlgorithmInfo info) {
  const auto has_its_name = [&](const AlgorithmInfo& other) { return other.name == info.name; };
  if (info.name.empty() || !info.make || std::ranges::any_of(algorithms(), has_its_name)) {
    throw Error(ExitCode::Bug, "add_algorithm(" + toml(info.name) + "): needs a name that is not taken, and make");
  }
  algorithms().push_back(std::move(info));
}

std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem) {
  std::string known;
  for (const AlgorithmInfo& info : algorithm_table()) {
    if (options.name == info.name) {
      return info.make(options, problem);
    }
    known += (known.empty() ? "" : "|") + info.name;
  }
  throw Error(ExitCode::Config, "algorithm.name = " + toml(options.name) + ": must be one of " + known);
}

}  // namespace meha
