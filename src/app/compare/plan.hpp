// SPDX-License-Identifier: MIT
// What `meha compare` does: which methods run with which options, on what budget, and what they are judged by.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/app/verbs.hpp"
#include "meha/core/metric.hpp"
#include "meha/core/options.hpp"
#include "meha/solver/registry.hpp"

namespace meha {

/// What one trial may spend. A visit is one point or one direction at all rows of a level; a pass is one visit to the rows
/// of an iteration's minibatches, whatever is computed there.
struct Budget {
  enum class Unit { Visits, Passes, Seconds };
  Unit unit = Unit::Visits;
  Real amount = 600;
};
/// Reads "600 visits", "200 passes" or "60 s". @param option  for the message     Errors: Error(Config).
Budget parse_budget(const std::string& option, const std::string& text);

/// A value of a metric that is to be reached: from below for what is better when larger, else from above.
struct Target {
  std::string metric;
  Real value = 0;
  bool is_larger_better = false;
  [[nodiscard]] bool is_reached(const Metrics& report) const;
};
/// Reads "auroc=0.97". "error" stands for the larger of error_x and error_y. Errors: Error(Config).
Target parse_target(const std::string& text);
/// Whether a larger value of this metric is better: accuracies, AUROC, precision, recall and F1.
bool is_larger_better(const std::string& metric);

struct ComparePlan {
  Options options;                   // of the config
  std::vector<std::string> methods;  // as name_of() reads them
  Index n_tuned = 0;                 // trials of each method besides the first, whose options are as configured
  Index n_seeds = 1;
  Index n_jobs = 0;  // trials at a time; 0: as many as there are ranks
  Budget budget;
  Real every = 0;  // in units of the budget, between reports
  std::optional<Target> until;
  std::string select;  // the metric that trials are chosen by; empty: the first of those there are (table.hpp)
  bool baselines = true;
  std::string directory;
};

/// A method is algorithm.name, or a variant of it, "aid:solver=neumann": with options of its own table, as many as there are
/// colons.
std::string name_of(const std::string& method);
/// The options of a variant as for --set: algorithm.aid.solver=neumann.
std::vector<std::string> settings_of(const std::string& method);

/// Reads the arguments, not yet the config. Errors: Error(Config).
ComparePlan compare_plan(const CompareArguments& arguments);

/// One run of a method: trial 0 has the options as configured, with automatic steps where these are of another method.
struct TrialId {
  std::string method;
  Index trial = 0, seed = 0;
  bool refits = false;  // again, to train the model on the rows that it keeps
  /// The name of its file, without a folder.
  [[nodiscard]] std::string file() const;
};

/// Curvatures that ranges of steps are relative to.
struct StepScale {
  Real curvature = 1;  // ‖∇²_yy(f + F)‖ at the start
  Index n_rows = 1;    // of the lower level
  bool per_row = false;
};

/// The settings of a trial, as for --set: drawn from ranges that belong to roles, log-uniformly, three digits. Trial t of
/// every method has the same numbers for the same roles. Empty for trial 0.
std::vector<std::string> settings_of(const TrialId& id, const Options& options, const StepScale& scale);

}  // namespace meha
