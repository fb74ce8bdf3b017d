// SPDX-License-Identifier: MIT
// LIBSVM's sparse text: "label index:value index:value …  # comment", indices from 1 and ascending; what is not listed
// is 0. Plain or gzipped. Labels are any numbers; as classes, class k is the k-th smallest of them.
// Source: https://www.csie.ntu.edu.tw/~cjlin/libsvm/faq.html (data format).
#pragma once

#include <string>
#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

/// Reads files that belong together: all get as many features as the widest has, and the same classes.
/// @return  a Table of dense float32 features for each; class_names are the labels as numbers (Targets::Classes)
/// Errors: Error(Data) naming file and line: what is not of this form, an index that is not a whole number above the one
/// before, a number that is not finite, a file that is missing, damaged or empty, a table larger than 4 GiB.
std::vector<Table> read_libsvm(const std::vector<std::string>& paths, Targets targets = Targets::Classes);

}  // namespace meha
