// SPDX-License-Identifier: MIT
#include "deformer.hpp"

#include <algorithm>

#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Index n_field_draws = (2 * Deformer::n_knots * Deformer::n_knots + 3) / 4;

/// Values of the four cubic B-splines that are not 0 at a point of a cell, 0 <= t <= 1.
std::array<float, 4> splines(float t) {
  const float s = 1 - t;
  return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6};
}

/// The floor, up to rounding (at most 2⁻⁷ next to a whole number, where both neighbours give the same pixel).
std::ptrdiff_t whole_part(float x) {
  constexpr int shift = 1 << 16;  // makes it positive
  return static_cast<int>(x + shift) - shift;
}

}  // namespace

/// Four numbers uniform in (−1, 1).
std::array<float, 4> four_uniforms(Index seed, Stream stream, Index step, Index row) {
  const std::uint64_t bits = random_bits(seed, stream, step, row);
  std::array<float, 4> numbers{};
  for (std::size_t i = 0; i < 4; ++i) {
    numbers[i] = static_cast<float>(static_cast<int>(bits >> (16 * i) & 0xffffU) * 2 - 65535) * (1.0F / 65536);
  }
  return numbers;
}

Deformer::Deformer(Index width, Index height, Index n_channels, Real strength)
    : strength_(static_cast<float>(strength)),
      width_(static_cast<std::size_t>(width)),
      height_(static_cast<std::size_t>(height)),
      n_channels_(static_cast<std::size_t>(n_channels)),
      columns_(knots_along(width_)),
      rows_(knots_along(height_)) {}

void Deformer::operator()(const std::byte* image, std::byte* deformed, Index seed, Index row) {
  const auto a = four_uniforms(seed, Stream::Deform, 1, row);
  const auto b = four_uniforms(seed, Stream::Deform, 2, row);
  // rotation by 2·atan(r): rational, so that no library's sine decides about a pixel
  const float r = strength_ * 0.0436609F * a[0];  // tan 2.5°
  const float cosine = (1 - r * r) / (1 + r * r);
  const float sine = 2 * r / (1 + r * r);
  const float scale_x = 1 + strength_ * 0.05F * a[1];
  const float scale_y = 1 + strength_ * 0.05F * a[2];
  const float shear = strength_ * 0.05F * a[3];
  const float xx = scale_x * cosine;
  const float xy = scale_x * (shear * cosine - sine);
  const float yx = scale_y * sine;
  const float yy = scale_y * (shear * sine + cosine);
  const float centre_x = 0.5F * static_cast<float>(width_ - 1);
  const float centre_y = 0.5F * static_cast<float>(height_ - 1);
  const float shift_x = strength_ * static_cast<float>(width_) / 28 * b[0] + centre_x;
  const float shift_y = strength_ * static_cast<float>(height_) / 28 * b[1] + centre_y;
  draw_field(seed, row);
  for (std::size_t y = 0; y < height_; ++y) {
    field_of_row(y);
    const float dy = static_cast<float>(y) - centre_y;
    for (std::size_t x = 0; x < width_; ++x) {
      const float dx = static_cast<float>(x) - centre_x;
      float from_x = xx * dx + xy * dy + shift_x;
      float from_y = yx * dx + yy * dy + shift_y;
      for (std::size_t k = 0; k < 4; ++k) {
        from_x += columns_[x].weight[k] * line_[0][columns_[x].first + k];
        from_y += columns_[x].weight[k] * line_[1][columns_[x].first + k];
      }
      sample(image, from_x, from_y, deformed + (y * width_ + x) * n_channels_);
    }
  }
}

std::vector<Deformer::Knots> Deformer::knots_along(std::size_t size) {
  std::vector<Knots> knots;
  for (std::size_t i = 0; i < size; ++i) {
    const float at = (static_cast<float>(i) + 0.5F) / static_cast<float>(size) * n_cells;
    const auto cell = std::min(static_cast<std::size_t>(at), n_cells - 1);
    knots.push_back({cell, splines(at - static_cast<float>(cell))});
  }
  return knots;
}

void Deformer::draw_field(Index seed, Index row) {
  const std::array<float, 2> reach = {strength_ * static_cast<float>(width_) / 28,
                                      strength_ * static_cast<float>(height_) / 28};
  constexpr std::size_t n = n_knots * n_knots;
  for (Index draw = 0; draw < n_field_draws; ++draw) {
    const auto u = four_uniforms(seed, Stream::Deform, 3 + draw, row);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t at = static_cast<std::size_t>(draw) * 4 + i;
      if (at < 2 * n) {
        field_[at / n][at % n] = reach[at / n] * u[i];
      }
    }
  }
}

void Deformer::field_of_row(std::size_t y) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    for (std::size_t x = 0; x < n_knots; ++x) {
      float sum = 0;
      for (std::size_t k = 0; k < 4; ++k) {
        sum += rows_[y].weight[k] * field_[axis][(rows_[y].first + k) * n_knots + x];
      }
      line_[axis][x] = sum;
    }
  }
}

/// Outside the image everything is 0.
void Deformer::sample(const std::byte* image, float x, float y, std::byte* into) const {
  const auto at = [&](std::ptrdiff_t i, std::ptrdiff_t j, std::size_t channel) {
    const bool inside =
        i >= 0 && j >= 0 && i < static_cast<std::ptrdiff_t>(width_) && j < static_cast<std::ptrdiff_t>(height_);
    const auto pixel = static_cast<std::size_t>(inside ? j * static_cast<std::ptrdiff_t>(width_) + i : 0);
    return inside ? static_cast<float>(image[pixel * n_channels_ + channel]) : 0.0F;
  };
  const std::ptrdiff_t i = whole_part(x);
  const std::ptrdiff_t j = whole_part(y);
  const float u = x - static_cast<float>(i);
  const float v = y - static_cast<float>(j);
  for (std::size_t c = 0; c < n_channels_; ++c) {
    const float above = (1 - u) * at(i, j, c) + u * at(i + 1, j, c);
    const float below = (1 - u) * at(i, j + 1, c) + u * at(i + 1, j + 1, c);
    into[c] = static_cast<std::byte>(static_cast<int>((1 - v) * above + v * below + 0.5F));
  }
}
}  // namespace meha
