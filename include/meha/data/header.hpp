// SPDX-License-Identifier: MIT
// Whether the first line of a table names its columns. Decided by what stands below it:
//   a summary  "569,30,malignant,benign" over 569 rows of 31 columns, as in scikit-learn's own files
//   a header   the column numbers 0, 1, … in order, as pandas writes them (three columns: over 20 rows); or words over columns of numbers; or words
//              that do not occur again below
//   a row      anything else, such as words that occur again, or one word among numbers
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/data/records.hpp"

namespace meha {

struct Header {
  bool is_line = false;                       // the first record is no row
  std::vector<std::string> names = {};        // of the columns; empty: they have none
  std::vector<std::string> class_names = {};  // of a summary
  std::optional<Index> n_rows = {};           // of a summary
  std::size_t n_columns = 0;
  char separator = ',';
};

/// Looks at the first records of a file. @param setting  "auto", "true" or "false"
/// Errors: Error(Data) for a file without a row, or with two columns of one name.
Header header_of(const std::string& path, const std::string& setting, bool may_be_summary);

inline constexpr std::size_t no_column = static_cast<std::size_t>(-1);

/// Finds the column that a name from the header, or a number from 0, means. @return no_column when there is none
std::size_t find_column(const Header& header, const std::string& name);

/// Finds the labels' column. @param wanted  a name from the header, or a number from 0; empty: the last
/// Errors: Error(Data) when it is not there, or when another column than the last is named like labels.
std::size_t label_column_of(const Header& header, const std::string& wanted, const std::string& path);

}  // namespace meha
