// SPDX-License-Identifier: MIT
#include "meha/data/rows_check.hpp"

#include <array>
#include <cmath>

#include "meha/core/error.hpp"

namespace meha {

void RowsHash::add(const Table& rows) {
  n_rows_ += rows.n_rows;
  n_features_ = rows.n_features;
  features_.add(rows.features);
  labels_.add_values(std::span<const Label>(rows.labels));
  for (std::size_t i = 1; i < rows.first_entry.size(); ++i) {
    const Index size = rows.first_entry[i] - rows.first_entry[i - 1];
    sizes_.add_values(std::span(&size, 1));
  }
}

std::string RowsHash::hex() const {
  Hasher all;
  all.add_values(std::span<const Index>(std::array{n_rows_, n_features_}));
  all.add_values(std::span<const std::uint64_t>(std::array{features_.value(), labels_.value(), sizes_.value()}));
  return all.hex();
}

void check_entries(const std::string& path, std::span<const Entry> entries, std::span<const Index> first_entry,
                   Index first_row, Index n_features) {
  const Entry* entry = entries.data();
  for (std::size_t row = 1; row < first_entry.size(); ++row) {
    Index last = -1;
    for (Index n = first_entry[row] - first_entry[row - 1]; n > 0; --n, ++entry) {
      const bool in_place = entry->feature > last && entry->feature < n_features;
      if (in_place && std::isfinite(entry->value)) {
        last = entry->feature;
        continue;
      }
      const std::string place = path + ": /features/" + (in_place ? "value" : "feature");
      const std::string of_row = " in row " + std::to_string(first_row + static_cast<Index>(row) - 1);
      throw Error(ExitCode::Data, in_place ? place + " of feature " + std::to_string(entry->feature) + of_row +
                                                 " is not a finite number in float32: is it of an extraordinary scale?"
                                           : place + " = " + std::to_string(static_cast<std::int32_t>(entry->feature)) +
                                                 of_row + ": must ascend within a row and be from 0 to " +
                                                 std::to_string(n_features - 1));
    }
  }
}

}  // namespace meha
