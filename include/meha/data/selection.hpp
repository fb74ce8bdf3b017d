// SPDX-License-Identifier: MIT
// Rows that are chosen from tables, and the one way to visit their features, which may stay in the file.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

/// Some rows of a table, in an order of their own.
struct Selection {
  std::shared_ptr<const Table> table;
  std::vector<Index> rows;         // row numbers in the table
  std::vector<Label> labels;       // as given to the learner; empty for Targets::Numbers
  std::vector<Real> numbers = {};  // empty for Targets::Classes
  [[nodiscard]] Index n_rows() const { return static_cast<Index>(rows.size()); }
};

/// Visits the features of every row of all selections, each file once from its begin to its end.
/// @param see  called with which selection, the row's place in it, and its features
/// @param after_band  called after each band of rows, before its memory is used again
void for_each_row(std::span<const Selection* const> selections,
                  const std::function<void(std::size_t which, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band);

}  // namespace meha
