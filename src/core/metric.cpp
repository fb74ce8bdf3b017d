// SPDX-License-Identifier: MIT
#include "meha/core/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

namespace meha {
namespace {

/// What every run measures; between the two stand the metrics of problems and algorithms.
constexpr std::array values = {
    MetricInfo{"iteration", "completed iterations"},
    MetricInfo{"upper_value", "F(x,y)"},
    MetricInfo{"lower_value", "f(x,y) + g(x,y)"},
    MetricInfo{
        "gap",
        "phi(x,y) - phi(x,theta) - |theta-y|^2/(2 gamma), a lower bound of phi - v_gamma; bome: f(x,y) - f(x,y_T)"},
    MetricInfo{"residual", "largest of residual_x, residual_y and what other residuals the method has"},
    MetricInfo{"residual_x", "|x - Proj(x - d_x)| of the last step"},
    MetricInfo{"residual_y", "|y - Prox(y - d_y)| of the last step"},
    MetricInfo{"step_norm_x", "length of the last step of x"},
    MetricInfo{"step_norm_y", "length of the last step of y"},
};
constexpr std::array costs = {
    MetricInfo{"lower_visits", "visits of training rows by all iterations: rows times points"},
    MetricInfo{"upper_visits", "… of validation rows"},
    MetricInfo{"product_visits", "exact second-order products of rows: rows times directions"},
    MetricInfo{"difference_visits", "… by central differences, each two points more"},
    MetricInfo{"row_passes", "passes over the rows of an iteration's minibatches"},
    MetricInfo{"allreduces", "sums over ranks"},
    MetricInfo{"allreduce_bytes", "size of a rank's messages in these [bytes]"},
    MetricInfo{"seconds", "wall time of all lives of the run"},
    MetricInfo{"compute_s", "row kernels and local sums"},
    MetricInfo{"allreduce_s", "waiting for and doing the allreduce"},
    MetricInfo{"update_s", "steps of y and its like on every rank, of shared x on rank 0"},
    MetricInfo{"start_s", "fitting the models that the run starts from, choosing steps"},
    MetricInfo{"evaluate_s", "reports, refits and random search"},
    MetricInfo{"checkpoint_s", "writing checkpoints"},
};

struct Table {
  std::vector<MetricInfo> infos;
  std::unordered_map<std::string, std::size_t> places;

  Table() {
    infos.assign(values.begin(), values.end());
    infos.insert(infos.end(), costs.begin(), costs.end());
    number();
  }
  void number() {
    for (std::size_t place = 0; place < infos.size(); ++place) {
      places[infos[place].name] = place;
    }
  }
};

Table& table() {
  static Table table;
  return table;
}

/// Place in the table; names that it lacks come last.
std::size_t place_of(const std::string& name) {
  const auto at = table().places.find(name);
  return at != table().places.end() ? at->second : table().infos.size();
}

}  // namespace

std::span<const MetricInfo> metric_table() {
  return table().infos;
}

void add_metrics(std::span<const MetricInfo> infos) {
  auto& all = table().infos;
  for (const MetricInfo& info : infos) {
    if (!table().places.contains(info.name)) {
      all.insert(all.end() - costs.size(), info);
      table().number();
    }
  }
}

void Metrics::set(std::string_view name, Real value) {
  if (!std::isfinite(value)) {
    return;
  }
  const auto at = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == name; });
  if (at != values.end()) {
    at->second = value;
  } else {
    values.emplace_back(name, value);
  }
}

std::optional<Real> Metrics::find(std::string_view name) const {
  for (const auto& [known, value] : values) {
    if (known == name) {
      return value;
    }
  }
  return std::nullopt;
}

void Metrics::sort() {
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return place_of(a.first) < place_of(b.first); });
}

}  // namespace meha
