// SPDX-License-Identifier: MIT
// HDF5 files whose columns have names, read as the table of text that they would be as CSV: a line of names, then a line
// for each row. Columns are
//   the members of one dataset of records (one-dimensional, of numbers, booleans and strings), or
//   the one-dimensional datasets of one group, two or more of the same length.
// A file with /features is none of these.
#pragma once

#include <string>
#include <vector>

#include "meha/data/hdf5_file.hpp"

namespace meha {

class Hdf5Columns {
 public:
  /// Whether a file is HDF5 and has columns with names. Errors: Error(Data) where it is damaged.
  static bool are_in(const std::string& path);
  /// Errors: Error(Data) when there are none, or several tables, or columns of unequal length or of other values, or when
  /// values are missing from the file.
  explicit Hdf5Columns(const std::string& path);

  [[nodiscard]] Index n_rows() const { return n_rows_; }
  /// Returns these rows, a line each. Gaps (NaN) are empty cells.
  [[nodiscard]] std::string lines(Range rows) const;
  /// Writes the names and all rows to an open file. Errors: std::system_error when there is no room.
  void write(int file) const;

 private:
  struct Column {
    std::string name, dataset;
    std::string member = {};  // of records; empty: the dataset's values
  };
  struct Candidate {
    std::string place;  // the dataset of records, or the group
    std::vector<Column> columns = {};
  };
  static std::vector<Candidate> candidates_in(const Hdf5File& file);

  std::string path_;
  Hdf5File file_;
  std::vector<Column> columns_;
  Index n_rows_ = 0;
};

/// Where a file has such columns, readers of its path read their text from now on; other files are left alone.
/// @return the path    Errors: Error(Data) as of Hdf5Columns, and where there is no room for the text.
const std::string& columns_as_text(const std::string& path);

}  // namespace meha
