// SPDX-License-Identifier: MIT
// Random smooth deformations of images: rotation, scaling, shear, shift and a field of cubic B-splines.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "meha/core/random.hpp"
#include "meha/core/types.hpp"

namespace meha {

/// Returns four numbers uniform in (−1, 1).
std::array<float, 4> four_uniforms(Index seed, Stream stream, Index step, Index row);

/// Deforms images of one size; one for each thread.
class Deformer {
 public:
  static constexpr std::size_t n_cells = 4;  // of the grid, in each direction
  static constexpr std::size_t n_knots = n_cells + 3;

  /// @param strength  1 turns by up to 5°
  Deformer(Index width, Index height, Index n_channels, Real strength);

  /// @param image, deformed  (height × width × n_channels)   @param seed, row  what the deformation is a function of
  void operator()(const std::byte* image, std::byte* deformed, Index seed, Index row);

 private:
  struct Knots {
    std::size_t first;
    std::array<float, 4> weight;
  };

  static std::vector<Knots> knots_along(std::size_t size);
  void draw_field(Index seed, Index row);
  void field_of_row(std::size_t y);
  void sample(const std::byte* image, float x, float y, std::byte* into) const;

  float strength_;
  std::size_t width_, height_, n_channels_;
  std::vector<Knots> columns_, rows_;
  std::array<std::array<float, n_knots * n_knots>, 2> field_{};
  std::array<std::array<float, n_knots>, 2> line_{};
};

}  // namespace meha
