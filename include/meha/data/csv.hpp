// SPDX-License-Identifier: MIT
// Numbers separated by commas, or by blanks when the first line has no comma; one row per line; one column of class
// numbers 0, 1, … or of any numbers, in the same file or in one of its own; plain or gzipped. A field may stand in
// quotes ("" inside stands for one). The first line is one of
//   numbers                          the first row
//   names                            a header: recognised by a field that is not a number
//   n_rows,n_features,class names    as scikit-learn's own files; the label is then the last column
#pragma once

#include <string>

#include "meha/data/row_source.hpp"

namespace meha {

/// @param label_column  a name from the header, or the column's number from 0; empty: the last column
/// @param labels_path   file where that column stands (its other columns are not looked at); empty: the same file
/// @return  a Table of float32 features
/// Errors: Error(Data) naming line and column: a field that is not a finite number, a row of another length, a label
/// that is no class number (Targets::Numbers: no finite number), files of different lengths, a file that is missing,
/// damaged, empty or (read_csv) larger than 4 GiB as float32.
Table read_csv(const std::string& path, const std::string& label_column, const std::string& labels_path = {},
               Targets targets = Targets::Classes);

/// Reads the same rows in bands.
std::unique_ptr<RowSource> csv_rows(const std::string& path, const std::string& label_column,
                                    const std::string& labels_path, Targets targets = Targets::Classes);

}  // namespace meha
