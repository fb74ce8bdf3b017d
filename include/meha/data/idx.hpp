// SPDX-License-Identifier: MIT
// IDX, the format of MNIST and its relatives: two zero bytes, type 0x08 (uint8), number of dimensions, the dimensions as
// big-endian 32-bit numbers, then the values. Plain or gzipped.
// Source: http://yann.lecun.com/exdb/mnist (THE IDX FILE FORMAT).
#pragma once

#include <string>
#include <vector>

#include "meha/data/row_source.hpp"

namespace meha {

/// Reads images (2 or more dimensions, flattened per row) and their labels (1 dimension).
/// @return  a Table of uint8 features
/// Errors: Error(Data) for a missing file, a wrong magic number, a size other than the header's, unequal counts.
Table read_idx(const std::string& features_path, const std::string& labels_path,
               Features features = Features::InMemory);

/// Reads the labels alone.
Table read_idx_labels(const std::string& features_path, const std::string& labels_path);

/// Returns the extents of a row, such as 28 × 28.
std::vector<Index> idx_row_shape(const std::string& features_path);

/// Reads the same rows in bands.
std::unique_ptr<RowSource> idx_rows(const std::string& features_path, const std::string& labels_path);

}  // namespace meha
