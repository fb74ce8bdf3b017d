// SPDX-License-Identifier: MIT
#include "records.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "meha/core/entry.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/metrics_file.hpp"
#include "refit.hpp"

namespace meha {
namespace {

Real median(std::vector<Real> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// Of every metric that any of the reports has.
Metrics medians(const std::vector<Metrics>& reports) {
  std::map<std::string, std::vector<Real>> columns;
  std::vector<std::string> names;
  for (const Metrics& report : reports) {
    for (const auto& [name, value] : report.values) {
      auto& column = columns[name];
      if (column.empty()) {
        names.push_back(name);
      }
      column.push_back(value);
    }
  }
  Metrics result;
  for (const std::string& name : names) {
    result.set(name, median(columns[name]));
  }
  return result;
}

/// Worse than any number where there is none.
Real worth(const std::optional<Real>& value, bool is_larger_better) {
  return !value ? std::numeric_limits<Real>::infinity() : is_larger_better ? -*value : *value;
}

/// Within the budget.
std::optional<Real> visits_to(const ComparePlan& plan, const Target& target, const TrialResult& result) {
  for (std::size_t i = 0; i < result.reports.size(); ++i) {
    const Metrics report = result.reports[i];
    if (target.is_reached(report)) {
      const auto visits = report.find("visits");
      const bool is_late = plan.budget.unit == Budget::Unit::Visits && visits && *visits > plan.budget.amount;
      return is_late ? std::nullopt : visits;
    }
  }
  return std::nullopt;
}

MethodSummary summary_of(const ComparePlan& plan, const std::string& selecting, const std::string& name,
                         const std::vector<const TrialRecord*>& trials) {
  MethodSummary method{.name = name, .is_baseline = !find_entry(algorithm_table(), name_of(name))};
  std::map<Index, std::vector<Metrics>> ends;  // by trial, of all seeds
  std::vector<Metrics> all_ends;
  std::map<Index, std::vector<Real>> hits;
  std::vector<Real> all_hits;
  for (const TrialRecord* trial : trials) {
    const auto last = trial->last();
    method.n_diverged += trial->result.status == TrialStatus::Diverged ? 1 : 0;
    if (trial->result.status == TrialStatus::Refused) {
      ++method.n_refused;
      method.note = trial->result.note;
    }
    if (trial->result.status != TrialStatus::Finished || !last) {
      continue;
    }
    ++method.n_ended;
    ends[trial->id.trial].push_back(*last);
    all_ends.push_back(*last);
    if (const auto visits = plan.until ? visits_to(plan, *plan.until, trial->result) : std::nullopt) {
      ++method.n_hit;
      hits[trial->id.trial].push_back(*visits);
      all_hits.push_back(*visits);
    }
  }
  Real least = std::numeric_limits<Real>::infinity();
  for (const auto& [trial, reports] : ends) {
    if (std::ssize(reports) < plan.n_seeds && !method.is_baseline) {
      continue;  // it has not ended well with every seed
    }
    const Metrics at_end = medians(reports);
    const Real value = worth(at_end.find(selecting), is_larger_better(selecting));
    if (method.best < 0 || value < least) {
      method.best = trial;
      method.at_best = at_end;
      least = value;
    }
  }
  method.at_median = medians(all_ends);
  if (!all_hits.empty()) {
    method.median_visits = median(all_hits);
  }
  for (const auto& [trial, visits] : hits) {
    if (2 * std::ssize(visits) <= plan.n_seeds) {
      continue;  // its median over seeds is not there
    }
    const Real of_trial = median(visits);
    method.best_visits = std::min(method.best_visits.value_or(of_trial), of_trial);
  }
  for (const TrialRecord* trial : trials) {
    if (trial->id.trial == method.best && method.best >= 0) {
      method.note = trial->result.settings;
    }
  }
  return method;
}

std::string csv_quoted(const std::string& text) {
  std::string cell = "\"";
  for (const char c : text) {
    cell += c == '"' ? "\"\"" : c == '\n' ? " " : std::string(1, c);
  }
  return cell + "\"";
}

}  // namespace

std::optional<Metrics> TrialRecord::last() const {
  return result.reports.empty() ? std::nullopt : std::optional(result.reports.back());
}

void write_trial(const std::string& path, const TrialResult& result) {
  std::string text;
  for (std::size_t i = 0; i < result.reports.size(); ++i) {
    text += json_line(result.reports[i]) + "\n";
  }
  const nlohmann::ordered_json end = {{"status", trial_status_names.at(static_cast<std::size_t>(result.status))},
                                      {"note", result.note},
                                      {"settings", result.settings}};
  write_durably(path, text + end.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<TrialResult> read_trial(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    last = line;
  }
  const auto end = nlohmann::json::parse(last, nullptr, false);
  if (!end.is_object() || !end.contains("status")) {
    return std::nullopt;
  }
  const auto status = std::ranges::find(trial_status_names, end["status"].get<std::string>());
  if (status == trial_status_names.end()) {
    return std::nullopt;
  }
  return TrialResult{.status = static_cast<TrialStatus>(status - trial_status_names.begin()),
                     .note = end.value("note", ""),
                     .settings = end.value("settings", ""),
                     .reports = read_metrics(path)};
}

std::string selecting_metric(const ComparePlan& plan, const std::vector<TrialRecord>& records) {
  const auto any_has = [&](const std::string& metric) {
    return std::ranges::any_of(records, [&](const TrialRecord& record) {
      const auto last = record.last();
      return last && last->find(metric);
    });
  };
  if (!plan.select.empty()) {
    if (!any_has(plan.select)) {
      throw Error(ExitCode::Config, "--select " + plan.select + ": no trial has measured it");
    }
    return plan.select;
  }
  for (const char* metric : {"holdout_solved", "error", "upper_solved"}) {
    if (any_has(metric)) {
      return metric;
    }
  }
  return "upper_value";
}

std::vector<MethodSummary> summaries(const ComparePlan& plan, const std::vector<TrialRecord>& records) {
  const std::string selecting = selecting_metric(plan, records);
  std::vector<std::string> names = plan.methods;
  const auto baselines = baseline_names();
  names.insert(names.end(), baselines.begin(), baselines.end());
  std::vector<MethodSummary> methods;
  for (const std::string& name : names) {
    std::vector<const TrialRecord*> trials;
    for (const TrialRecord& record : records) {
      if (record.id.method == name && !record.id.refits) {
        trials.push_back(&record);
      }
    }
    if (trials.empty()) {
      continue;
    }
    methods.push_back(summary_of(plan, selecting, name, trials));
    std::vector<Metrics> refits;
    for (const TrialRecord& record : records) {
      const bool is_best = record.id.method == name && record.id.trial == methods.back().best;
      if (is_best && record.id.refits && record.last()) {  // others are of the best of fewer trials
        refits.push_back(*record.last());
      }
    }
    if (const auto refit = medians(refits).find("refit")) {
      methods.back().at_best.set("refit", *refit);
    }
  }
  std::ranges::stable_sort(methods, {}, [&](const MethodSummary& method) {
    return std::tuple(method.is_baseline, worth(method.best_visits, false),
                      method.is_baseline ? 0 : worth(method.at_best.find(selecting), is_larger_better(selecting)));
  });
  return methods;
}

std::string csv_of(const std::vector<TrialRecord>& records, const std::vector<MethodSummary>& methods) {
  std::vector<std::string> columns;
  for (const TrialRecord& record : records) {
    for (const std::string& name : record.result.reports.names()) {
      if (std::ranges::find(columns, name) == columns.end()) {
        columns.push_back(name);
      }
    }
  }
  std::string text = "method,trial,seed,chosen,status,iteration";
  for (const std::string& column : columns) {
    text += "," + column;
  }
  text += ",settings,note\n";
  const auto add = [&](const TrialRecord& record, const Metrics& report) {
    const auto is_its = [&](const MethodSummary& m) { return m.name == record.id.method; };
    const auto method = std::ranges::find_if(methods, is_its);
    const bool chosen = method != methods.end() && method->best == record.id.trial;
    text += csv_quoted(record.id.method) + "," + std::to_string(record.id.trial) + "," +
            std::to_string(record.id.seed) + "," + (chosen ? "1" : "0") + "," +
            trial_status_names.at(static_cast<std::size_t>(record.result.status)) + "," +
            std::to_string(report.iteration);
    for (const std::string& column : columns) {
      const auto value = report.find(column);
      text += "," + (value ? shortest(*value) : "");
    }
    text += "," + csv_quoted(record.result.settings) + "," + csv_quoted(record.result.note) + "\n";
  };
  std::map<std::string, Real> refits;  // by the file of the trial itself
  for (const TrialRecord& record : records) {
    const auto refit = record.id.refits && record.last() ? record.last()->find("refit") : std::nullopt;
    if (refit) {
      refits[TrialId{.method = record.id.method, .trial = record.id.trial, .seed = record.id.seed}.file()] = *refit;
    }
  }
  for (const TrialRecord& record : records) {
    if (record.id.refits) {
      continue;
    }
    for (std::size_t i = 0; i < record.result.reports.size(); ++i) {
      Metrics report = record.result.reports[i];
      const auto refit = refits.find(record.id.file());
      if (i + 1 == record.result.reports.size() && refit != refits.end()) {
        report.set("refit", refit->second);
      }
      add(record, report);
    }
    if (record.result.reports.empty()) {
      add(record, Metrics());
    }
  }
  return text;
}

}  // namespace meha
