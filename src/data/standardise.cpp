// SPDX-License-Identifier: MIT
#include "meha/data/standardise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

/// Feature j of a row that Table::row() returned.
Real value_at(Element element, std::span<const std::byte> row, std::size_t j) {
  if (element == Element::UInt8) {
    return std::to_integer<int>(row[j]) * feature_scale(element);
  }
  float value = 0;
  std::memcpy(&value, row.data() + j * sizeof(float), sizeof(float));
  return value;
}

struct Scaling {
  std::vector<Real> mean, deviation;
};

Scaling scaling_of(const Selection& train) {
  const Table& table = *train.table;
  const auto n_features = static_cast<std::size_t>(table.n_features);
  const Real n = static_cast<Real>(train.n_rows());
  Scaling scaling{.mean = std::vector<Real>(n_features, 0), .deviation = std::vector<Real>(n_features, 0)};
  std::vector<bool> varies(n_features, false);
  const auto first = table.row(train.rows.front());
  for (const Index row : train.rows) {
    for (std::size_t j = 0; j < n_features; ++j) {
      const Real value = value_at(table.element, table.row(row), j);
      scaling.mean[j] += value / n;
      varies[j] = varies[j] || value != value_at(table.element, first, j);
    }
  }
  for (const Index row : train.rows) {
    for (std::size_t j = 0; j < n_features; ++j) {
      const Real off = value_at(table.element, table.row(row), j) - scaling.mean[j];
      scaling.deviation[j] += off * off / n;
    }
  }
  for (std::size_t j = 0; j < n_features; ++j) {
    scaling.mean[j] = varies[j] ? scaling.mean[j] : value_at(table.element, first, j);  // without rounding
    const Real root = std::sqrt(scaling.deviation[j]);
    scaling.deviation[j] = varies[j] && root > 0 ? root : 1;
  }
  return scaling;
}

std::shared_ptr<const Table> scaled(const Table& table, const Scaling& scaling) {
  auto result = std::make_shared<Table>(table);
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(table.n_rows * table.n_features));
  for (Index row = 0; row < table.n_rows; ++row) {
    for (std::size_t j = 0; j < scaling.mean.size(); ++j) {
      const Real value = value_at(table.element, table.row(row), j);
      values.push_back(static_cast<float>((value - scaling.mean[j]) / scaling.deviation[j]));
    }
  }
  result->element = Element::Float32;
  result->features = as_bytes_of(values);
  check_values(*result);
  return result;
}

}  // namespace

void standardise(Split& split) {
  const Scaling scaling = scaling_of(split.train);
  std::vector<std::pair<std::shared_ptr<const Table>, std::shared_ptr<const Table>>> done;  // before, after
  for (Selection* selection : {&split.train, &split.validation, &split.test}) {
    if (!selection->table) {
      continue;
    }
    auto at = std::find_if(done.begin(), done.end(), [&](const auto& pair) { return pair.first == selection->table; });
    if (at == done.end()) {
      at = done.insert(done.end(), {selection->table, scaled(*selection->table, scaling)});
    }
    selection->table = at->second;
  }
}

}  // namespace meha
