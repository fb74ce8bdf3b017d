// SPDX-License-Identifier: MIT
#include "curves.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

namespace meha {
namespace {

struct Group {
  const char* title;
  bool is_log;
  std::string_view begin, end;  // of the names of its metrics
};

/// In the order in which they are shown. The first that fits has a metric; what none fits has a chart of its own behind.
constexpr std::array groups = {Group{"F, the upper value", false, "upper_value", "upper_value"},
                               Group{"f + g, the lower value", false, "lower_value", "lower_value"},
                               Group{"Distance to the known optimum", true, "error_", ""},
                               Group{"Accuracy", false, "", "accuracy"},
                               Group{"Rows kept by weight, against the truth", false, "auroc", ""},
                               Group{"Rows kept by weight, against the truth", false, "precision", ""},
                               Group{"Rows kept by weight, against the truth", false, "recall", ""},
                               Group{"Rows kept by weight, against the truth", false, "f1", ""},
                               Group{"Residuals", true, "residual", ""},
                               Group{"Length of the last step", true, "step_norm", ""}};

constexpr std::array stages = {"start_s", "compute_s", "allreduce_s", "update_s", "evaluate_s", "checkpoint_s"};

/// Whether a metric counts work or time, which only grow.
bool is_cost(std::string_view name) {
  return name == "seconds" || name.ends_with("_s") || name.ends_with("_visits") || name == "row_passes" ||
         name.starts_with("allreduce");
}

Group group_of(const std::string& name) {
  const auto fits = [&](const Group& group) { return name.starts_with(group.begin) && name.ends_with(group.end); };
  const auto at = std::ranges::find_if(groups, fits);
  return at == groups.end() ? Group{name.c_str(), false, "", ""} : *at;
}

/// Numbers of the reports that are shown: all, or evenly many, with the first, the best and the last.
std::vector<std::size_t> shown_reports(const History& history, Index best) {
  const std::size_t n = history.size();
  const std::size_t stride = std::max<std::size_t>(1, (n + most_points - 1) / most_points);
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < n; ++i) {
    if (i % stride == 0 || i + 1 == n || history.iteration(i) == best) {
      shown.push_back(i);
    }
  }
  return shown;
}

}  // namespace

Curves curves_of(const History& history, Index best) {
  const auto rank = [](const CurveGroup& group) {
    return std::ranges::find(groups, group.title, &Group::title) - groups.begin();
  };
  const auto shown = shown_reports(history, best);
  Curves curves{.n_reports = history.size()};
  std::ranges::transform(shown, std::back_inserter(curves.iterations),
                         [&](std::size_t i) { return history.iteration(i); });
  for (std::size_t c = 0; c < history.names().size(); ++c) {
    const std::string& name = history.names()[c];
    const std::vector<Real> all = history.column(c);
    std::vector<Real> values;
    for (const std::size_t i : shown) {
      values.push_back(all[i]);
    }
    if (is_cost(name) || std::ranges::count_if(values, [](Real v) { return std::isfinite(v); }) < 2) {
      continue;
    }
    const Group group = group_of(name);
    auto at = std::ranges::find(curves.groups, group.title, &CurveGroup::title);
    if (at == curves.groups.end()) {
      at = curves.groups.insert(at, {.title = group.title, .is_log = group.is_log});
    }
    at->curves.push_back({.name = name, .meaning = meaning_of(name), .values = std::move(values)});
  }
  std::ranges::stable_sort(curves.groups, {}, rank);
  return curves;
}

std::vector<StageTime> stages_of(const Metrics& metrics) {
  std::vector<StageTime> times;
  Real rest = metrics.find("seconds").value_or(0);
  for (const char* name : stages) {
    if (const auto seconds = metrics.find(name)) {
      rest -= *seconds;
      times.push_back({.name = std::string(name).substr(0, std::string_view(name).size() - 2),
                       .meaning = meaning_of(name),
                       .seconds = *seconds});
    }
  }
  if (!times.empty()) {
    times.push_back(
        {.name = "rest", .meaning = "reading rows, setting up and all else", .seconds = std::max(0.0, rest)});
  }
  return times;
}

std::string meaning_of(const std::string& metric) {
  for (const MetricInfo& info : metric_table()) {
    if (info.name == metric) {
      return info.meaning;
    }
  }
  return "";
}

}  // namespace meha
