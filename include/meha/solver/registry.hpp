// SPDX-License-Identifier: MIT
// Which methods there are: one line each.
#pragma once

#include <memory>

#include "meha/core/options.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

struct AlgorithmInfo {
  const char* name;
  const char* summary;
  std::unique_ptr<Algorithm> (*make)(const AlgorithmOptions&, const Problem&);
};

std::span<const AlgorithmInfo> algorithm_table();

/// Errors: Error(Config) for an unknown algorithm.name.
std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem);

}  // namespace meha
