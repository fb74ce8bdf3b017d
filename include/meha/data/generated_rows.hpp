// SPDX-License-Identifier: MIT
// Rows made by a rule: row i is a function of (seed, i), whatever was made before and by how many threads.
#pragma once

#include "meha/data/rows_file.hpp"
#include "meha/data/row_source.hpp"

namespace meha {

/// Images deformed as by a shaky hand: each is turned by up to 5°, scaled and sheared by up to 5 %, shifted by up to 1 of
/// 28 pixels, and its points are moved by a smooth random field (cubic B-splines on a grid of 4 × 4 cells) of about ⅓ of
/// 28 pixels, all times `strength`; bilinear interpolation. Pixels are rows of rows of channels.
struct DeformOptions {
  Index seed = 0;
  Index width = 0, height = 0;  // 0: a square with 1 or 3 channels
  Real strength = 1;
  Index n_rows = 0;
  int n_threads = 1;
};

/// Row i is made from image p_e(i mod n), e = i div n, where every p_e is a random order of all n images.
/// @param images  uint8  @return  rows from `first_row` on, with the label (and truth) of their image, and its number as id
/// Errors: Error(Config) for sizes that do not fit the rows; Error(Data) for rows that are not uint8.
std::unique_ptr<RowSource> deformed_rows(std::shared_ptr<const Table> images, const DeformOptions& options,
                                         Index first_row);

/// A mixture of n_classes near-Gaussian clusters: a_j = c_kj + e_j, centres c_kj of deviation ¾, noise e_j of deviation 1, both sums of
/// four uniform numbers; class k is each equally likely. With probability `rate` the given label is another class.
struct MixtureOptions {
  Index seed = 0;
  Index n_rows = 0, n_features = 16, n_classes = 10;
  Real rate = 0;
  int n_threads = 1;
};

/// @return  float32 rows from `first_row` on, with truth
std::unique_ptr<RowSource> mixture_rows(const MixtureOptions& options, Index first_row);

}  // namespace meha
