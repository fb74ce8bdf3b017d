// SPDX-License-Identifier: MIT
// Labelled rows that come in bands, from a file that may be larger than memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "meha/data/dataset.hpp"

namespace meha {

inline constexpr Index all_rows = Index{1} << 48;

class RowSource {
 public:
  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  RowSource(RowSource&&) = delete;
  RowSource& operator=(RowSource&&) = delete;
  virtual ~RowSource() = default;

  /// The next rows, `n_rows` or all that are left; no rows at the end.
  /// Errors: Error(Data) as for the whole file, as soon as a band shows what is wrong.
  virtual Table read(Index n_rows) = 0;
  /// Skips the next n_rows rows, which must exist.
  virtual void skip(Index n_rows) { (void)read(n_rows); }
  /// Returns how much of the file is read, from 0 to 1.
  [[nodiscard]] virtual Real part_read() const = 0;
  /// Returns how many rows there are in all, where that is known before they are read.
  [[nodiscard]] virtual std::optional<Index> n_rows() const { return {}; }
  /// Whether the file is text: its size then bounds no table.
  [[nodiscard]] virtual bool is_text() const { return false; }
};

/// All rows of a source that is at its first, held once: room for the whole table is made before it is filled.
/// Errors: as read(); Error(Data) for text that unfolds to more than max_text_table_bytes.
Table read_all(RowSource& source);

/// Visits the features of a table's first `n_rows` rows in order, from memory or from its file, so many rows at a time
/// that they take some MiB.
/// @param is_wanted  whether these rows must be seen; others that a file has may be skipped
/// @param see  called with the numbers of some rows (none where some are skipped) and a table in which row i of them is
///             row(i − first)
/// Errors: as read(), and what check_values() finds.
void for_each_band(const Table& table, Index n_rows, const std::function<bool(Range rows)>& is_wanted,
                   const std::function<void(Range rows, const Table& band, Index first)>& see);

/// Returns a warning where the first rows' uint8 features are all 0 or 1, and count as 0 and 1/255; else nothing.
/// @param table  whose features may be those of its first rows only, or stay in the file
std::string remark_on_bytes(const Table& table);

}  // namespace meha
