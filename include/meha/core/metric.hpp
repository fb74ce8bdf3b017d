// SPDX-License-Identifier: MIT
// The names of everything that is measured, and an ordered list of measured values. A metric without meaning is absent,
// never NaN.
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

/// All metrics, in the order in which reports list them.
std::span<const MetricInfo> metric_table();

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

/// Precision, recall and F1 of predicting "clean" (weight ≥ ½), absent where 0/0.
void set_cleaning_metrics(Real clean_kept, Real corrupted_kept, Real clean_dropped, Metrics& metrics);

}  // namespace meha
