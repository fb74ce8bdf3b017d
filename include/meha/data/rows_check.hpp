// SPDX-License-Identifier: MIT
// What the rows of a file are checked by: their hash, and the order and values of sparse entries.
#pragma once

#include <span>
#include <string>

#include "meha/core/hash.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// Hash of rows that come in bands of any size.
class RowsHash {
 public:
  void add(const Table& rows);
  [[nodiscard]] std::string hex() const;

 private:
  Index n_rows_ = 0, n_features_ = 0;
  Hasher features_, labels_, sizes_;
};

/// Throws Error(Data) unless features ascend within each row and are from 0 to n_features − 1, and values are finite.
/// @param first_entry  (rows + 1): where the entries of each row begin, in any count, and the last end
/// @param first_row  number of the first of these rows in the file
void check_entries(const std::string& path, std::span<const Entry> entries, std::span<const Index> first_entry,
                   Index first_row, Index n_features);

}  // namespace meha
