// SPDX-License-Identifier: MIT
// A person's table, written anew row by row: every field as it stands in the file, perhaps another label, further columns
// behind, whose numbers have a decimal comma where the table's have. Their names begin with meha_, so that they never become features (data/columns.hpp).
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meha/data/header.hpp"
#include "meha/data/records.hpp"

namespace meha {

struct NewCell {
  const char* name;
  std::string value;
  bool is_number = false;
};

class TableCopy {
 public:
  /// @param label_column  its name, or its number from 0; empty: the last
  /// Errors: Error(Data) as for reading the table.
  TableCopy(const std::string& path, const std::string& header, const std::string& label_column);

  /// Reads the next row. @return false when there is none
  bool next() { return reader_.next(record_); }
  [[nodiscard]] std::string_view label() const { return record_.values[label_]; }
  /// Returns the label with its quotes, or as a JSON value.
  [[nodiscard]] std::string label_as_written() const;
  /// Returns what an empty label is written as.
  [[nodiscard]] const char* no_label() const { return is_json() ? "null" : ""; }
  /// Returns the ending of a file of the same kind: ".csv", ".tsv" or ".jsonl".
  [[nodiscard]] const char* file_ending() const;
  [[nodiscard]] Index line() const { return record_.line; }
  /// Returns the name of the labels' column, or its number.
  [[nodiscard]] std::string label_name() const;
  [[nodiscard]] const std::string& path() const { return reader_.file().path(); }
  [[nodiscard]] bool is_json() const { return reader_.separator() == '{'; }
  /// Writes the names of all columns, where the table has them.
  void write_head(std::ostream& out, std::span<const NewCell> more) const;
  /// Writes the row at hand. @param label  another label, as label_as_written(); none: as it stands
  void write(std::ostream& out, const std::optional<std::string>& label, std::span<const NewCell> more) const;

 private:
  RecordReader reader_;
  Header header_;
  std::size_t label_ = 0;
  bool has_decimal_comma_ = false;
  TextRecord head_, record_;
};

}  // namespace meha
