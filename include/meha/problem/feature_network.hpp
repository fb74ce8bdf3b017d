// SPDX-License-Identifier: MIT
// Shared feature layers a ↦ h(a; x) on tiles of rows, in halves:
//   h⁰ = a,  h^l = s(W_l h^{l−1} + b_l),  h = h^L,  s = relu or tanh;      x = (W_1, b_1, …, W_L, b_L), W row-major (out × in)
// backward, from d^L = ∂/∂h:   e^l = d^l ∘ s'(·),  ∂/∂W_l += e^l ⊗ h^{l−1},  ∂/∂b_l += e^l,  d^{l−1} = W_lᵀ e^l
// s' is a function of s: 1 where relu(z) > 0 (0 at z = 0), and 1 − tanh(z)².
// The first layer, which meets the stored rows, runs in the dispatched kernels; the others are small products.
#pragma once

#include <vector>

#include "meha/core/types.hpp"
#include "meha/data/dataset.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

/// Row-major, as the rows of a tile.
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

enum class FeatureActivation : int { Relu, Tanh };

struct NetworkShape {
  Index n_features = 0;
  std::vector<Index> hidden;  // widths, first to last
  FeatureActivation activation = FeatureActivation::Relu;
  Storage element = Storage::UInt8;

  [[nodiscard]] Index n_inputs(std::size_t layer) const { return layer == 0 ? n_features : hidden[layer - 1]; }
  [[nodiscard]] Index n_parameters() const;
};

template <class T>
class FeatureNetwork {
 public:
  FeatureNetwork(const NetworkShape& shape, Simd simd);

  [[nodiscard]] const NetworkShape& shape() const { return shape_; }
  /// W and b from U(±1/√fan_in), as torch.nn.Linear starts.
  void start(Index seed, OutSpan x) const;
  void set_parameters(InSpan x);
  /// @return  h, one row of hidden.back() numbers per row of the tile; valid until the next call
  const Matrix<T>& forward(const Tile& tile);
  /// Adds Σ_rows (∂h/∂x)ᵀ d for the tile last seen by forward(). @param d  ∂/∂h, rows as in forward(); overwritten
  void backward(const Tile& tile, Matrix<T>& d);
  /// grad_x += factor · what backward() has added since the last call, which is forgotten.
  void collect(Real factor, OutSpan grad_x);

 private:
  struct Layer {
    Matrix<T> weight;    // out × in; the first: in panels, times the scale of the features
    Matrix<T> bias;      // 1 × out
    Matrix<T> output;    // h^l
    Matrix<T> gradient;  // out × in; the first: rows of padded length
    std::vector<Real> bias_gradient;
  };

  void activate(Matrix<T>& values) const;
  void times_slope(const Matrix<T>& output, Matrix<T>& d) const;
  template <class E>
  void first_product(const Products<T, E>& products, const Tile& tile);
  void first_layer(const Tile& tile);
  void first_gradient(const Tile& tile, const Matrix<T>& d);

  NetworkShape shape_;
  const TileKernels<T>* kernels_;
  std::vector<Layer> layers_;
  std::vector<std::byte> grouped_features_;  // of the tile
  std::vector<T> grouped_;                   // first layer: W·a + b, then ∂/∂ of it
};

}  // namespace meha
