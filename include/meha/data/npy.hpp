// SPDX-License-Identifier: MIT
// NPY, NumPy's arrays in a file: "\x93NUMPY", version, a header like {'descr': '<f4', 'fortran_order': False, 'shape':
// (60000, 784)}, then the values. Plain or gzipped. uint8 features stay (v stands for v/255), others become float32;
// labels are integers, or (Targets::Numbers) any numbers.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <string>

#include "meha/data/row_source.hpp"

namespace meha {

/// @param features_path  two or more dimensions, rows first, in C order  @param labels_path  one dimension; either may be
/// an NPZ file (data/npz.hpp), and one NPZ file may hold both: then this is empty
/// Errors: Error(Data) for a missing or damaged file, another type or order, unequal counts.
std::unique_ptr<RowSource> npy_rows(const std::string& features_path, const std::string& labels_path,
                                    Targets targets = Targets::Classes);

/// The whole files. Errors: also for values that are not finite.
Table read_npy(const std::string& features_path, const std::string& labels_path, Targets targets = Targets::Classes,
               Features features = Features::InMemory);

}  // namespace meha
