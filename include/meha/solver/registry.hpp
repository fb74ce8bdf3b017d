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
  /// Its options besides those of all methods; entries may share sections.
  std::vector<Section> sections = {};
  /// What it measures besides metric_table() (Algorithm::measure).
  std::vector<MetricInfo> metrics = {};
};

/// Built-in and added ones. Valid until the next add_algorithm().
std::span<const AlgorithmInfo> algorithm_table();

/// Adds a method, on every rank alike, before program() starts.
/// Errors: Error(Bug) when the name is empty or taken, or there is nothing to make it with.
void add_algorithm(AlgorithmInfo info);

/// Errors: Error(Config) for an unknown name.
const AlgorithmInfo& algorithm_info(const std::string& name);

/// Errors: Error(Config) for an unknown algorithm.name; whatever the method refuses.
std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem);

/// Errors: Error(Bug) for an option that sections of different types have.
void require_unique_names(const Options& options);

/// Options with the sections of all problems and algorithms, at their defaults.
/// Errors: as require_unique_names().
Options all_options();

/// The options without the sections of other problems and algorithms than those it names.
Options options_in_use(const Options& options);

/// Errors: Error(Config) where an option of another problem or algorithm than those it names differs from its default and is
/// not one that a run chooses itself.
void refuse_options_of_others(const Options& options);

}  // namespace meha
