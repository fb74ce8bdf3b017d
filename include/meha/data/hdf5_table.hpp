// SPDX-License-Identifier: MIT
// A whole file of rows (see rows_file) in memory, checked: no more than /features (rows × any, uint8 or numbers) and
// /labels (rows, integers; or any numbers) needs to be there.
#pragma once

#include <string>
#include <vector>

#include "meha/data/formats.hpp"

namespace meha {

/// @param labels_path  empty: /labels stands in the same file
/// @param n_rows  the first rows of the file only; 0: all
/// Errors: Error(Data) for a missing file or dataset, wrong dimensions, unequal counts, values that are not finite.
Table read_hdf5_table(const std::string& features_path, const std::string& labels_path,
                      Targets targets = Targets::Classes, Features features = Features::InMemory, Index n_rows = 0);

/// Returns the sizes of the file without reading features.
FileSizes sizes_of_hdf5(const std::string& features_path, const std::string& labels_path, Targets targets);

/// Returns the extents of a row of /features; none for sparse rows.
std::vector<Index> row_shape_of_hdf5(const std::string& features_path);

/// Reads it in bands, with classes; values are not checked (see check_values()). No other thread may use HDF5 meanwhile.
std::unique_ptr<RowSource> hdf5_rows(const std::string& features_path, const std::string& labels_path);

}  // namespace meha
