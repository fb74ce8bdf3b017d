// SPDX-License-Identifier: MIT
// Rows as they stand in a person's file: the cells of a table, the pixels of an image, or a few numbers. Bounded in size,
// whatever the rows are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meha/data/data_options.hpp"

namespace meha {

/// An image, no larger than largest_image in either direction.
struct Picture {
  Index width = 0, height = 0, n_channels = 1;  // 1: grey; 3: red, green, blue
  std::vector<std::uint8_t> pixels = {};        // row by row, channels last
};
inline constexpr Index largest_image = 64;

/// One row: one of the two is empty.
struct Original {
  std::vector<std::string> cells = {};  // of Originals::columns
  Picture picture = {};
};

struct Originals {
  std::vector<std::string> columns;  // names
  Index n_columns_left_out = 0;
  std::vector<Original> rows;  // in the order in which they were asked for
  std::string note;            // for people: why nothing is shown; may be empty
};

/// Where a row stands.
struct PlaceInFile {
  Index row = 0, line = 0;  // the line is 0 where the file is no text
};

/// Reads rows of the training file, in one pass that ends with the last of them. Errors: Error(Data).
Originals originals_of(const DataOptions& data, const std::vector<PlaceInFile>& places);

/// What an image is made of. @param shape  of a row as the file gives it: height × width, or with 1 or 3 channels first or
/// last    @return no pixels where the shape is of no image
Picture frame_of(const std::vector<Index>& shape);
/// Returns the image, smaller where it must be (means of pixels), as bytes. @param values  of any scale: uint8 v stands for
/// v/255; what is beyond 0 to 1 is scaled into it   @param shape  as for frame_of()
Picture picture_of(const std::vector<Index>& shape, const std::vector<float>& values);

}  // namespace meha
