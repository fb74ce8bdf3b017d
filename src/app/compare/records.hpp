// SPDX-License-Identifier: MIT
// The files of `meha compare`'s trials, and what is read out of all of them: which trial of a method is the best, the CSV, the
// table and the curves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan.hpp"
#include "trial.hpp"

namespace meha {

struct TrialRecord {
  TrialId id;
  TrialResult result;
  /// Returns the last report; nothing where there is none.
  [[nodiscard]] std::optional<Metrics> last() const;
};

/// Writes a trial's reports, a JSON object a line, and a last line on how it ended. Errors: Error(Checkpoint).
void write_trial(const std::string& path, const TrialResult& result);
/// Reads such a file; nothing where it is not there, or not whole.
std::optional<TrialResult> read_trial(const std::string& path);

/// The metric that trials are chosen by: plan.select, else the first that any last report has of holdout_solved, error,
/// upper_solved and upper_value.
/// Errors: Error(Config) where no trial has plan.select.
std::string selecting_metric(const ComparePlan& plan, const std::vector<TrialRecord>& records);

/// One method, by its best trial: the one whose median of the selecting metric over the seeds is the best.
struct MethodSummary {
  std::string name;
  bool is_baseline = false;
  Index best = -1;  // trial; −1: none has ended well
  // Trials of all seeds that ended, grew beyond all bounds, were refused, reached the target.
  Index n_ended = 0, n_diverged = 0, n_refused = 0, n_hit = 0;
  // Visits to the target: of the quickest trial; of all trials that reached it.
  std::optional<Real> best_visits = {}, median_visits = {};
  // At the budget: medians of the best trial over seeds; of all trials.
  Metrics at_best = {}, at_median = {};
  std::string note = {};  // settings of the best trial, or the reason of a refusal
};

/// Sorted by visits to the target, then by the selecting metric; baselines after all methods.
std::vector<MethodSummary> summaries(const ComparePlan& plan, const std::vector<TrialRecord>& records);

/// One line for every report of every trial.
std::string csv_of(const std::vector<TrialRecord>& records, const std::vector<MethodSummary>& methods);
/// A table for people.
std::string table_of(const ComparePlan& plan, const std::string& selecting, const std::vector<MethodSummary>& methods);
/// SVG: the target's or the selecting metric against visits, the best trial of each method in bold.
std::string curves_of(const ComparePlan& plan, const std::string& selecting, const std::vector<TrialRecord>& records,
                      const std::vector<MethodSummary>& methods);

}  // namespace meha
