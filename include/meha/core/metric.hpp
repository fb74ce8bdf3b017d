// SPDX-License-Identifier: MIT
// The table of what is measured, and an ordered list of measured values. A metric without meaning is absent, never NaN.
// Problems and algorithms add theirs when they are registered.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

struct MetricInfo {
  const char* name;
  const char* meaning;
};

/// All metrics, in the order in which reports list them. Valid until the next add_metrics().
std::span<const MetricInfo> metric_table();

/// Adds metrics to the table, behind those of all runs and before costs; names that it has already stay as they are.
/// Ownership: names and meanings must outlive the program's use of the table, as literals do.
void add_metrics(std::span<const MetricInfo> infos);

/// One report: what was measured after `iteration` completed iterations.
struct Metrics {
  Index iteration = 0;
  std::vector<std::pair<std::string, Real>> values;

  /// Sets `name` (replacing an earlier value); a value that is not finite is left out.
  void set(std::string_view name, Real value);
  [[nodiscard]] std::optional<Real> find(std::string_view name) const;
  /// Orders the values as in metric_table().
  void sort();
};

}  // namespace meha
