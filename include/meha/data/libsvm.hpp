// SPDX-License-Identifier: MIT
// LIBSVM's sparse text: "label index:value index:value …  # comment", indices from 1 and ascending; what is not listed
// is 0. Plain or gzipped. Labels are any numbers; as classes, class k is the k-th smallest of them.
// Source: https://www.csie.ntu.edu.tw/~cjlin/libsvm/faq.html (data format).
#pragma once

#include <string>
#include <vector>

#include "meha/data/row_source.hpp"

namespace meha {

/// Reads files that belong together: all get as many features as the widest has, and the same classes.
/// @param sparse  "never", "always", or "auto": when less than a quarter of all values is not 0
/// @return  a Table for each, of float32 features or all sparse; class_names are the labels as numbers (Targets::Classes)
/// Errors: Error(Data) naming file and line: what is not of this form, an index that is not a whole number above the one
/// before, a number that is not finite, a file that is missing, damaged or empty, more than 4 GiB of values.
std::vector<Table> read_libsvm(const std::vector<std::string>& paths, Targets targets = Targets::Classes,
                               const std::string& sparse = "auto");

/// Reads the same rows in bands. Every file is read twice: which features and labels exist is known only at the end. A
/// pipe is read once, and its rows are kept in memory.
std::vector<std::unique_ptr<RowSource>> libsvm_rows(const std::vector<std::string>& paths, Targets targets,
                                                    const std::string& sparse);
/// Reads one file, with classes, in bands.
std::unique_ptr<RowSource> libsvm_rows(const std::string& path, const std::string& sparse);

}  // namespace meha
