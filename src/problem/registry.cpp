// SPDX-License-Identifier: MIT
#include "meha/problem/registry.hpp"

#include <array>

#include "meha/core/error.hpp"
#include "meha/problem/hyper_cleaning.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Problem> make(const Options& options, const Communicator& comm, Simd simd) {
  return std::make_unique<Kind>(options, comm, simd);
}

constexpr std::array problems = {
    ProblemInfo{"hyper_cleaning", "learn one weight per training row so that wrong labels are found",
                make<HyperCleaning>},
};

}  // namespace

std::span<const ProblemInfo> problem_table() {
  return problems;
}

std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd) {
  std::string known;
  for (const ProblemInfo& info : problems) {
    if (options.problem.type == info.name) {
      return info.make(options, comm, simd);
    }
    known += (known.empty() ? "" : "|") + std::string(info.name);
  }
  throw Error(ExitCode::Config, "problem.type = " + toml(options.problem.type) + ": must be one of " + known);
}

}  // namespace meha
