// SPDX-License-Identifier: MIT
// Which methods there are: built in, one line each, and added by a program of the user's own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "meha/core/options.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

struct AlgorithmInfo {
  std::string name;     // algorithm.name
  std::string summary;  // for `list algorithms`
  /// Errors: Error(Config) for a problem that the method does not solve, with the reason; the same on all ranks.
  std::function<std::unique_ptr<Algorithm>(const AlgorithmOptions&, const Problem&)> make;
};

/// Built-in and added ones. Valid until the next add_algorithm().
std::span<const AlgorithmInfo> algorithm_table();

/// Adds a method, on every rank alike, before program() starts.
/// Errors: Error(Bug) when the name is empty or taken, or there is nothing to make it with.
void add_algorithm(AlgorithmInfo info);

/// Errors: Error(Config) for an unknown algorithm.name; whatever the method refuses.
std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem);

}  // namespace meha
