// SPDX-License-Identifier: MIT
// Which problems there are: one line each.
#pragma once

#include <memory>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/kernels/kernels.hpp"
#include "meha/problem/problem.hpp"

namespace meha {

struct ProblemInfo {
  const char* name;
  const char* summary;
  std::unique_ptr<Problem> (*make)(const Options&, const Communicator&, Simd);
};

std::span<const ProblemInfo> problem_table();

/// Builds the problem that problem.type names. Collective.
/// Errors: Error(Config) for an unknown type; whatever the problem's set-up throws, on all ranks.
std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd);

}  // namespace meha
