// SPDX-License-Identifier: MIT
// Which methods there are: built in, one line each, and added by a program of the user's own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "meha/core/options.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// What an option does, whatever the method calls it: `meha compare --tune` draws options of one role from one range.
enum class Role {
  StepOfX,          // as algorithm.alpha
  StepOfY,          // as algorithm.beta
  StepOfHelper,     // as algorithm.eta
  StepInMetric,     // of x, in a metric that makes it alike to y
  StepOfXByY,       // the step of x divided by that of y
  StepOnPenalised,  // of y on F plus the penalty times f
  StepOnWeighted,   // of y on f plus the weight times F
  Factor,           // of a step
  Penalty,          // weight of the lower level relative to F
  WeightOfUpper,    // its inverse
  InnerSteps,
  Envelope,  // γ of a Moreau envelope
  Share,     // between 0 and 1
  Horizon,   // iterations
};

struct Tuned {
  const char* option;
  Role role;
};

struct AlgorithmInfo {
  std::string name;     // algorithm.name
  std::string summary;  // for `list algorithms`
  /// Errors: Error(Config) for a problem that the method does not solve, with the reason; the same on all ranks.
  std::function<std::unique_ptr<Algorithm>(const AlgorithmOptions&, const Problem&)> make;
  /// Its options besides those of all methods; entries may share sections.
  std::vector<Section> sections = {};
  /// What it measures besides metric_table() (Algorithm::measure).
  std::vector<MetricInfo> metrics = {};
  /// Its options that are tuned, besides the steps; one of these names replaces the role of a step.
  std::vector<Tuned> tuned = {};
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
