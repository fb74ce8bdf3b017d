// SPDX-License-Identifier: MIT
// Images of a size that a page has room for.
#include <algorithm>
#include <cmath>

#include "originals.hpp"

namespace meha {
namespace {

bool is_channels(Index extent) {
  return extent == 1 || extent == 3;
}

/// How the values of a row become pixels.
struct Layout {
  Index height, width, n_channels;
  bool channels_first;

  [[nodiscard]] std::size_t at(Index y, Index x, Index channel) const {
    return static_cast<std::size_t>(channels_first ? (channel * height + y) * width + x
                                                   : (y * width + x) * n_channels + channel);
  }
};

Layout layout_of(const std::vector<Index>& shape) {
  if (shape.size() == 2) {
    return {shape[0], shape[1], 1, false};
  }
  if (shape.size() == 3 && is_channels(shape[2])) {
    return {shape[0], shape[1], shape[2], false};
  }
  if (shape.size() == 3 && is_channels(shape[0])) {
    return {shape[1], shape[2], shape[0], true};
  }
  return {0, 0, 0, false};
}

/// The pixels along one direction that become pixel `i` of `n_new`.
Range source_of(Index i, Index n_new, Index n_old) {
  const Index begin = i * n_old / n_new;
  return {begin, std::max(begin + 1, (i + 1) * n_old / n_new)};
}

Real mean_of(const Layout& layout, const std::vector<float>& values, Range ys, Range xs, Index channel) {
  Real sum = 0;
  for (Index y = ys.begin; y < ys.end; ++y) {
    for (Index x = xs.begin; x < xs.end; ++x) {
      sum += values[layout.at(y, x, channel)];
    }
  }
  return sum / static_cast<Real>(ys.size() * xs.size());
}

}  // namespace

Picture frame_of(const std::vector<Index>& shape) {
  constexpr Index least_extent = 4;
  const Layout layout = layout_of(shape);
  if (std::min(layout.height, layout.width) < least_extent) {
    return {};
  }
  const Real shrink =
      std::min(1.0, static_cast<Real>(largest_image) / static_cast<Real>(std::max(layout.height, layout.width)));
  const auto shrunk = [&](Index extent) { return std::max<Index>(1, std::lround(shrink * static_cast<Real>(extent))); };
  return {.width = shrunk(layout.width), .height = shrunk(layout.height), .n_channels = layout.n_channels};
}

Picture picture_of(const std::vector<Index>& shape, const std::vector<float>& values) {
  const Layout layout = layout_of(shape);
  Picture picture = frame_of(shape);
  const auto [least, most] = std::ranges::minmax(values);
  const Real low = least < 0 || most > 1 ? least : 0;
  const Real range = least < 0 || most > 1 ? std::max(most - least, 1e-30F) : 1;
  for (Index y = 0; y < picture.height; ++y) {
    for (Index x = 0; x < picture.width; ++x) {
      for (Index channel = 0; channel < picture.n_channels; ++channel) {
        const Real value = mean_of(layout, values, source_of(y, picture.height, layout.height),
                                   source_of(x, picture.width, layout.width), channel);
        picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * (value - low) / range)));
      }
    }
  }
  return picture;
}

}  // namespace meha
