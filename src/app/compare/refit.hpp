// SPDX-License-Identifier: MIT
// Models on doubtful labels that `meha compare` shows beside the methods: trained on rows chosen without a bi-level method,
// and on the rows that a method keeps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "meha/core/metric.hpp"
#include "trial.hpp"

namespace meha {

/// A model without a bi-level method. What it measures: "visits", "test_accuracy", and where the truth is known "auroc" of
/// its log-probability of the given label, "precision", "recall" and "f1" of the rows whose given label it finds likeliest.
struct Baseline {
  std::string name;
  Metrics metrics;
};

/// The one that there always is, where there are any; the last one.
inline constexpr const char* baseline_of_all_rows = "all_rows";
/// Returns the names of the baselines, all of them.
std::vector<std::string> baseline_names();

/// Trains, where labels are in doubt: a model of the trusted rows alone; "trim": three times over, the model of the trusted
/// rows and of those whose label the model before finds likeliest; the model of all rows as given; where the truth is known
/// that of the truly clean rows. Elsewhere there are none. Collective. Errors: Error(Stopped) on request; Error(NotFinite).
std::vector<Baseline> train_baselines(Contest& contest, Communicator& comm, const std::function<Requests()>& poll);

/// Sets "refit": the test accuracy of the model trained on the trusted rows and the rows of a weight of ½ or more. Where no
/// labels are in doubt it does nothing. Collective. Errors: as train_baselines().
void set_refit(Oracle& oracle, const Options& options, State& state, Metrics& metrics);

}  // namespace meha
