// SPDX-License-Identifier: MIT
// The products of a classifier's layers with the rows of a tile, A the features or the grouped outputs of a layer:
//   forward  out = bias + A·B,      backward  gradient += Rᵀ·A.
// `Input` is what the factors are rounded to: float and double, which are also summed as such; BFloat16, which is summed as
// float (run.precision = "bfloat16"); or Int16 (run.precision = "int16"): in products with features, which are bytes, B and R are
// rounded to int16 and summed as integers; products between layers are those of float. All else of a classifier computes in the
// type of the sums.
#pragma once

#include <utility>

#include "meha/problem/classifier.hpp"
#include "meha/problem/layouts.hpp"

namespace meha {

/// What BFloat16Pair has two of.
struct BFloat16;
/// What Int16Pair has two of.
struct Int16;

template <class Input>
using SumOf = std::conditional_t<std::same_as<Input, BFloat16> || std::same_as<Input, Int16>, float, Input>;

/// The features of a tile, grouped too. Memory is taken at the first read().
template <class T>
class TileFeatures {
 public:
  TileFeatures(const ClassifierShape& shape, Simd simd) : element_(shape.element), kernels_(&tile_kernels<T>(simd)) {}

  void read(const Tile& tile);
  /// Calls see(products for the type of the features, the features, the same grouped), of the tile that was read.
  template <class See>
  void with(const Tile& tile, See&& see);
  [[nodiscard]] const TileKernels<T>& kernels() const { return *kernels_; }

 private:
  void to_dense(const Tile& tile);

  Storage element_;
  const TileKernels<T>* kernels_;
  std::vector<std::byte> grouped_;  // as they are stored
  std::vector<T> dense_;            // sparse rows as a dense tile
};

template <class T>
template <class See>
void TileFeatures<T>::with(const Tile& tile, See&& see) {
  const auto call = [&]<class E>(const Products<T, E>& products, const E* features) {
    see(products, features, reinterpret_cast<E*>(grouped_.data()));
  };
  if (element_ == Storage::UInt8) {
    call(kernels_->uint8, reinterpret_cast<const std::uint8_t*>(tile.features));
  } else if (element_ == Storage::Float32) {
    call(kernels_->float32, reinterpret_cast<const float*>(tile.features));
  } else {
    call(kernels_->own, std::as_const(dense_).data());
  }
}

template <class Input>
class TileProducts {
 public:
  using T = Input;
  using Panels = std::vector<T>;

  TileProducts(const ClassifierShape& shape, Simd simd) : features_(shape, simd) {}

  /// Lays out b(i, column), n × n_columns.
  template <class Value>
  void fill(Index n, Index n_columns, Value&& value, Panels& panels) const {
    panels.resize(static_cast<std::size_t>(n * n_columns));
    fill_panels(n, n_columns, features_.kernels().panel_columns, value, panels.data());
  }
  /// Lays out b(i, column) = scale·columns(column)[i] for products with features.
  template <class Columns>
  void fill(Index n, Index n_columns, Columns&& columns, Real scale, Panels& panels) const {
    fill(
        n, n_columns, [&](Index i, Index column) { return columns(column)[i] * scale; }, panels);
  }
  /// Takes the features of this tile, of the products that follow.
  void read(const Tile& tile) { features_.read(tile); }
  /// As Products::forward and backward, of the features of the tile that was read.
  void forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out);
  void backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds);
  /// The same of n grouped numbers a row.
  void forward(const T* grouped, Index n_rows, Index n, const Panels& panels, const T* bias, Index n_columns, T* out);
  void backward(const T* grouped, Index n_rows, Index n, const T* residuals, Index n_columns, T* gradient, bool adds);

 private:
  TileFeatures<T> features_;
  std::vector<T> rows_;  // grouped numbers, row by row
};

template <>
class TileProducts<BFloat16> {
 public:
  using T = float;
  using Panels = std::vector<BFloat16Pair>;

  TileProducts(const ClassifierShape& shape, Simd simd) : features_(shape, simd), kernels_(&pair_kernels()) {}

  template <class Value>
  void fill(Index n, Index n_columns, Value&& value, Panels& panels) const {
    panels.resize(static_cast<std::size_t>((n + 1) / 2 * n_columns));
    const auto two = [&](Index pair, Index column) {
      const Index i = 2 * pair;
      return pair_of(static_cast<float>(value(i, column)), i + 1 < n ? static_cast<float>(value(i + 1, column)) : 0);
    };
    fill_panels((n + 1) / 2, n_columns, kernels_->panel_columns, two, panels.data());
  }
  template <class Columns>
  void fill(Index n, Index n_columns, Columns&& columns, Real scale, Panels& panels) const {
    fill(
        n, n_columns, [&](Index i, Index column) { return columns(column)[i] * scale; }, panels);
  }
  void read(const Tile& tile);
  void forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out);
  void backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds);
  void forward(const T* grouped, Index n_rows, Index n, const Panels& panels, const T* bias, Index n_columns, T* out);
  void backward(const T* grouped, Index n_rows, Index n, const T* residuals, Index n_columns, T* gradient, bool adds);

 private:
  using Pairs = std::vector<BFloat16Pair>;
  [[nodiscard]] const BFloat16Pair* rounded(const T* residuals, Index n_rows, Index n_columns);

  TileFeatures<T> features_;
  const PairKernels* kernels_;
  Pairs feature_numbers_, feature_rows_;  // of the tile that was read, as Pairing says
  bool has_rows_ = false;
  Pairs numbers_, row_pairs_, residuals_;
  std::vector<T> rows_;  // grouped numbers, row by row
};

/// Of features that are bytes.
template <>
class TileProducts<Int16> {
 public:
  using T = float;
  struct Panels {
    std::vector<T> numbers;           // of products between layers
    std::vector<Int16Pair> integers;  // of products with features
    std::vector<T> scales;            // [column] of these
  };

  TileProducts(const ClassifierShape& shape, Simd simd)
      : between_layers_(shape, simd), kernels_(&int16_kernels(simd)) {}

  template <class Value>
  void fill(Index n, Index n_columns, Value&& value, Panels& panels) const {
    between_layers_.fill(n, n_columns, value, panels.numbers);
  }
  template <class Columns>
  void fill(Index n, Index n_columns, Columns&& columns, Real scale, Panels& panels) const {
    const Index n_pairs = (n + 1) / 2;
    panels.integers.resize(static_cast<std::size_t>(n_pairs * n_columns));
    panels.scales.resize(static_cast<std::size_t>(n_columns));
    const Index n_panels = count_panels(n_columns, kernels_->panel_columns);
    for (Index p = 0; p < n_panels; ++p) {
      const Panel panel = panel_of(n_columns, n_panels, p);
      for (Index c = 0; c < panel.columns; ++c) {
        Int16Pair* const to = panels.integers.data() + panel.first * n_pairs + c;
        const T unit = kernels_->round_column(columns(panel.first + c), n, to, panel.columns);
        panels.scales[static_cast<std::size_t>(panel.first + c)] = unit * static_cast<T>(scale);
      }
    }
  }
  void read(const Tile& tile);
  void forward(const Tile& tile, const Panels& panels, const T* bias, Index n_columns, T* out);
  void backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient, bool adds);
  void forward(const T* grouped, Index n_rows, Index n, const Panels& panels, const T* bias, Index n_columns, T* out) {
    between_layers_.forward(grouped, n_rows, n, panels.numbers, bias, n_columns, out);
  }
  void backward(const T* grouped, Index n_rows, Index n, const T* residuals, Index n_columns, T* gradient, bool adds) {
    between_layers_.backward(grouped, n_rows, n, residuals, n_columns, gradient, adds);
  }

 private:
  TileProducts<T> between_layers_;
  const Int16Kernels* kernels_;
  std::vector<BytePair> features_;  // of the tile that was read, as Int16Kernels::group gives them
  std::vector<Int16Pair> residuals_;
  std::vector<T> scales_;
};

}  // namespace meha
