// SPDX-License-Identifier: MIT
#include "meha/data/standardise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

/// Feature j of a row that Table::row() returned.
Real value_at(Storage element, std::span<const std::byte> row, std::size_t j) {
  if (element == Storage::UInt8) {
    return std::to_integer<int>(row[j]) * feature_scale(element);
  }
  float value = 0;
  std::memcpy(&value, row.data() + j * sizeof(float), sizeof(float));
  return value;
}

struct Scaling {
  std::vector<Real> mean, deviation;
};

std::vector<Entry> entries_of(std::span<const std::byte> bytes) {
  std::vector<Entry> entries(bytes.size() / sizeof(Entry));
  if (!entries.empty()) {
    std::memcpy(entries.data(), bytes.data(), bytes.size());
  }
  return entries;
}

/// Of sparse rows: mean 0, that is no shift.
Scaling sparse_scaling_of(const Selection& train) {
  const auto n_features = static_cast<std::size_t>(train.table->n_features);
  const Real n = static_cast<Real>(train.n_rows());
  std::vector<Real> mean(n_features, 0);
  std::vector<Real> square(n_features, 0);
  std::vector<Index> n_entries(n_features, 0);
  std::vector<float> first(n_features, 0);
  std::vector<bool> varies(n_features, false);
  for (const Index row : train.rows) {
    for (const Entry& entry : entries_of(train.table->row(row))) {
      mean[entry.feature] += entry.value / n;
      first[entry.feature] = n_entries[entry.feature]++ == 0 ? entry.value : first[entry.feature];
      varies[entry.feature] = varies[entry.feature] || entry.value != first[entry.feature];
    }
  }
  for (const Index row : train.rows) {
    for (const Entry& entry : entries_of(train.table->row(row))) {
      square[entry.feature] += (entry.value - mean[entry.feature]) * (entry.value - mean[entry.feature]) / n;
    }
  }
  Scaling scaling{.mean = std::vector<Real>(n_features, 0), .deviation = std::vector<Real>(n_features, 1)};
  for (std::size_t j = 0; j < n_features; ++j) {
    const Real zeros = 1 - static_cast<Real>(n_entries[j]) / n;
    const Real root = std::sqrt(square[j] + zeros * mean[j] * mean[j]);
    const bool same_in_all = n_entries[j] == 0 || (n_entries[j] == train.n_rows() && !varies[j]);
    scaling.deviation[j] = !same_in_all && root > 0 ? root : 1;
  }
  return scaling;
}

Scaling scaling_of(const Selection& train) {
  if (train.table->element == Storage::Sparse) {
    return sparse_scaling_of(train);
  }
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
  if (table.element == Storage::Sparse) {
    std::vector<Entry> entries = entries_of(table.features);
    for (Entry& entry : entries) {
      entry.value = static_cast<float>(entry.value / scaling.deviation[entry.feature]);
    }
    const auto bytes = std::as_bytes(std::span(entries));
    std::copy(bytes.begin(), bytes.end(), result->features.begin());
    check_values(*result);
    return result;
  }
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(table.n_rows * table.n_features));
  for (Index row = 0; row < table.n_rows; ++row) {
    for (std::size_t j = 0; j < scaling.mean.size(); ++j) {
      const Real value = value_at(table.element, table.row(row), j);
      values.push_back(static_cast<float>((value - scaling.mean[j]) / scaling.deviation[j]));
    }
  }
  result->element = Storage::Float32;
  result->features = as_bytes_of(values);
  check_values(*result);
  return result;
}

}  // namespace

void standardise(Split& split) {
  const Scaling scaling = scaling_of(split.rows[Level::Lower]);
  std::vector<std::pair<std::shared_ptr<const Table>, std::shared_ptr<const Table>>> done;  // before, after
  for (Selection& selection : split.rows) {
    if (!selection.table) {
      continue;
    }
    auto at = std::find_if(done.begin(), done.end(), [&](const auto& pair) { return pair.first == selection.table; });
    if (at == done.end()) {
      at = done.insert(done.end(), {selection.table, scaled(*selection.table, scaling)});
    }
    selection.table = at->second;
  }
}

}  // namespace meha
