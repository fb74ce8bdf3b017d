// SPDX-License-Identifier: MIT
#include "meha/problem/tile_products.hpp"

namespace meha {
namespace {

/// Returns room for n numbers.
template <class T>
T* room(std::vector<T>& values, Index n) {
  values.resize(std::max(values.size(), static_cast<std::size_t>(n)));
  return values.data();
}

/// Pairs of n numbers a row, of a whole tile.
Index n_pairs(Index n) {
  return tile_rows * ((n + 1) / 2);
}

/// n numbers a row, row by row, as Products::backward reads them. @param rows  scratch
template <class T>
const T* ungrouped(const TileKernels<T>& kernels, const T* grouped, Index n_rows, Index n, std::vector<T>& rows) {
  kernels.ungroup(grouped, n_rows, n, room(rows, tile_rows * n + group_rows));
  return rows.data();
}

const Pairing<std::uint8_t>& pairing(const PairKernels& kernels, const std::uint8_t* /*features*/) {
  return kernels.uint8;
}
const Pairing<float>& pairing(const PairKernels& kernels, const float* /*features*/) {
  return kernels.float32;
}

}  // namespace

template <class T>
void TileFeatures<T>::read(const Tile& tile) {
  if (element_ == Storage::Sparse) {
    to_dense(tile);
  }
  const Index n = tile_rows * tile.n_features;
  room(grouped_, n * (element_ == Storage::Sparse ? static_cast<Index>(sizeof(T)) : bytes_per(element_)));
  with(tile, [&](const auto& products, const auto* features, auto* grouped) {
    products.group(features, tile.n_rows, tile.n_features, grouped);
  });
}

template <class T>
void TileFeatures<T>::to_dense(const Tile& tile) {
  room(dense_, tile_rows * tile.n_features + group_rows);
  std::fill(dense_.begin(), dense_.end(), T(0));
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (const Entry& entry : tile.entries(row)) {
      dense_[static_cast<std::size_t>(row * tile.n_features + entry.feature)] = static_cast<T>(entry.value);
    }
  }
}

template <class Input>
void TileProducts<Input>::forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out) {
  features_.with(tile, [&]<class E>(const Products<T, E>& products, const E* /*features*/, const E* grouped) {
    products.forward(grouped, tile.n_rows, tile.n_features, panels.data(), bias, n_columns, out,
                     reinterpret_cast<const E*>(tile.next));
  });
}

template <class Input>
void TileProducts<Input>::backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds) {
  features_.with(tile, [&](const auto& products, const auto* features, const auto* /*grouped*/) {
    products.backward(features, tile.n_rows, tile.n_features, residuals, n_columns, gradient, adds);
  });
}

template <class Input>
void TileProducts<Input>::forward(const T* grouped, Index n_rows, Index n, const Panels& panels, const T* bias,
                                  Index n_columns, T* out) {
  features_.kernels().own.forward(grouped, n_rows, n, panels.data(), bias, n_columns, out, grouped);
}

template <class Input>
void TileProducts<Input>::backward(const T* grouped, Index n_rows, Index n, const T* residuals, Index n_columns,
                                   T* gradient, bool adds) {
  const T* rows = ungrouped(features_.kernels(), grouped, n_rows, n, rows_);
  features_.kernels().own.backward(rows, n_rows, n, residuals, n_columns, gradient, adds);
}

void TileProducts<BFloat16>::read(const Tile& tile) {
  features_.read(tile);
  has_rows_ = false;
  features_.with(tile, [&](const auto& /*products*/, const auto* features, const auto* grouped) {
    pairing(*kernels_, features)
        .numbers(grouped, tile.n_rows, tile.n_features, room(feature_numbers_, n_pairs(tile.n_features)));
  });
}

void TileProducts<BFloat16>::forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out) {
  kernels_->forward(feature_numbers_.data(), tile.n_rows, tile.n_features, panels.data(), bias, n_columns, out,
                    tile.next);
}

void TileProducts<BFloat16>::backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds) {
  if (!std::exchange(has_rows_, true)) {
    features_.with(tile, [&](const auto& /*products*/, const auto* features, const auto* /*grouped*/) {
      pairing(*kernels_, features)
          .rows(features, tile.n_rows, tile.n_features, room(feature_rows_, n_pairs(padded(tile.n_features))));
    });
  }
  kernels_->backward(feature_rows_.data(), tile.n_rows, tile.n_features, rounded(residuals, tile.n_rows, n_columns),
                     n_columns, gradient, adds);
}

void TileProducts<BFloat16>::forward(const T* grouped, Index n_rows, Index n, const Panels& panels, const T* bias,
                                     Index n_columns, T* out) {
  kernels_->float32.numbers(grouped, n_rows, n, room(numbers_, n_pairs(n)));
  kernels_->forward(numbers_.data(), n_rows, n, panels.data(), bias, n_columns, out,
                    reinterpret_cast<const std::byte*>(grouped));
}

void TileProducts<BFloat16>::backward(const T* grouped, Index n_rows, Index n, const T* residuals, Index n_columns,
                                      T* gradient, bool adds) {
  const T* rows = ungrouped(features_.kernels(), grouped, n_rows, n, rows_);
  kernels_->float32.rows(rows, n_rows, n, room(row_pairs_, n_pairs(padded(n))));
  kernels_->backward(row_pairs_.data(), n_rows, n, rounded(residuals, n_rows, n_columns), n_columns, gradient, adds);
}

const BFloat16Pair* TileProducts<BFloat16>::rounded(const T* residuals, Index n_rows, Index n_columns) {
  kernels_->round(residuals, n_rows, n_columns, room(residuals_, n_pairs(n_columns)));
  return residuals_.data();
}

void TileProducts<Int16>::read(const Tile& tile) {
  kernels_->group(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features,
                  room(features_, n_pairs(tile.n_features)));
}

void TileProducts<Int16>::forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out) {
  kernels_->forward(features_.data(), tile.n_rows, tile.n_features, panels.integers.data(), panels.scales.data(), bias,
                    n_columns, out);
}

void TileProducts<Int16>::backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds) {
  Int16Pair* const rounded = room(residuals_, n_pairs(n_columns));
  T* const scales = room(scales_, n_columns);
  kernels_->round_residuals(residuals, tile.n_rows, n_columns, rounded, scales);
  kernels_->backward(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features, rounded,
                     scales, n_columns, gradient, adds);
}

template class TileFeatures<float>;
template class TileFeatures<double>;
template class TileProducts<float>;
template class TileProducts<double>;

}  // namespace meha
