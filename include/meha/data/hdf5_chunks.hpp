// SPDX-License-Identifier: MIT
// Where a dataset's chunks stand, read from the file itself: HDF5 1.10 looks for one chunk by walking over all chunks
// before it, n²/2 steps for all of them (4 minutes for 200,000).
// Source: HDF5 File Format Specification Version 3.0, sections III.A.1 (version 1 B-trees), IV.A.1 (object headers).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// Where a chunk stands in the file, as it is stored (with fletcher32: 4 bytes more than its values).
struct Hdf5Chunk {
  Index offset;
  Index size;
  friend bool operator==(const Hdf5Chunk&, const Hdf5Chunk&) = default;
};

/// @param header  address of the dataset's object header  @param n_dimensions  of the dataset, chunked by its first
/// @param chunk_rows  extent of a chunk in it  @param n_chunks  how many there must be
/// @return  the chunks in order of rows; nothing where the file is of another version, has a user block, or lacks one
std::optional<std::vector<Hdf5Chunk>> find_chunks(const std::string& path, Index header, Index n_dimensions,
                                                  Index chunk_rows, Index n_chunks);

}  // namespace meha
