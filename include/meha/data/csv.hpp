// SPDX-License-Identifier: MIT
// Tables as text, as people have them: CSV, TSV and their relatives, and JSON lines (data/records.hpp), with columns of
// numbers, categories, dates or text (data/columns.hpp) and one column of labels, in the same file or in one of its own.
//   header   the first line names the columns, where it does not look like the lines below it (data/header.hpp)
//   classes  labels 0, 1, … are class numbers; other whole numbers, and names, are classes in ascending order
// Files of a run belong together: what columns are, their means, categories and classes is learnt from the first, and
// columns of the others are found by name.
#pragma once

#include <string>

#include "meha/data/formats.hpp"
#include "meha/data/row_source.hpp"

namespace meha {

/// Opens files that belong together; the first is the one that is learnt from. Every file is read twice.
/// Errors: Error(Data) naming file, line and column of all that is wrong with a file, up to ten faults: rows of another
/// length, columns that are neither numbers nor anything else, labels that are missing or no classes; files that do not
/// fit together, or are missing, damaged, empty or (read_all) larger than 4 GiB as float32.
RowSources csv_rows(const DataFiles& files);

/// Reads one file. @param label_column  a name from the header, or the column's number from 0; empty: the last column
/// @param labels_path  file where that column stands (its other columns are not looked at); empty: the same file
Table read_csv(const std::string& path, const std::string& label_column, const std::string& labels_path = {},
               Targets targets = Targets::Classes);

/// Reads the same rows in bands.
std::unique_ptr<RowSource> csv_rows(const std::string& path, const std::string& label_column,
                                    const std::string& labels_path, Targets targets = Targets::Classes);

}  // namespace meha
