// SPDX-License-Identifier: MIT
// Multilayer perceptron with softmax cross-entropy. With a_0 the features and L layers,
//   z_l = W_l·a_{l−1} + b_l,   a_l = φ(z_l) for l < L,   ℓ = log Σ_c e^{z_{L,c}} − z_{L,label};
//   δ_L = softmax(z_L) − e_label,   δ_{l−1} = (W_lᵀ·δ_l) ⊙ φ'(z_{l−1}),   ∇_{W_l} ℓ = δ_l·a_{l−1}ᵀ,   ∇_{b_l} ℓ = δ_l
// φ is relu (φ'(0) = 0), sigmoid or none. All products are OpenBLAS's, in arithmetic T, on one thread; every point has
// products of its own on the tile's features, which are converted to T once. The bits depend on OpenBLAS' version and on
// the kind of processor it is tuned for: see arithmetic().
#pragma once

#include "meha/problem/classifier.hpp"

namespace meha {

enum class Activation { Relu, Sigmoid, None };

/// The activation of that name; `name` must be one of relu, sigmoid, none.
Activation activation_of(const std::string& name);

template <class T>
class MlpClassifier final : public Classifier {
 public:
  /// @param hidden  units of each hidden layer; none: the linear model
  MlpClassifier(const ClassifierShape& shape, const std::vector<Index>& hidden, Activation activation, Simd simd);

  [[nodiscard]] Index n_parameters() const override { return n_parameters_; }
  [[nodiscard]] std::vector<NamedArray> parameters() const override;
  [[nodiscard]] std::string arithmetic() const override;
  void start(const std::string& init, Index seed, Out y) const override;
  void set_points(std::span<const InSpan> points) override;
  void forward(const Tile& tile, OutSpan losses) override;
  void backward(const Tile& tile, InSpan weights) override;
  void collect(std::size_t point, OutSpan grad_y) override;
  void classes(std::span<Label> most_likely) const override;

 private:
  struct Layer {
    int n_in, n_out;
    std::size_t weight, bias;  // where W and b begin in y
  };
  struct Point {
    std::vector<T> parameters;            // as y, with the scale of uint8 features folded into W_1
    std::vector<T> gradient;              // as y, of the stored (unscaled) features
    std::vector<std::vector<T>> outputs;  // a_1 … a_{L−1}: [row][unit]
    std::vector<T> probabilities;         // [row][class]
  };

  [[nodiscard]] Point make_point() const;
  [[nodiscard]] const T* input_of(const Point& point, std::size_t layer) const;
  void convert(const Tile& tile);
  void propagate(const Layer& layer, const Point& point, Index n_rows, const T* input, T* output) const;
  void group_logits(Index n_rows);
  void set_residuals(const Point& point, const Tile& tile, InSpan weights);
  void add_gradient(std::size_t layer, Point& point, Index n_rows);
  void propagate_back(std::size_t layer, const Point& point, Index n_rows);

  ClassifierShape shape_;
  Activation activation_;
  const LinearKernels<T>* kernels_;
  std::vector<Layer> layers_;
  Index n_parameters_ = 0;
  std::vector<Point> points_;
  std::size_t n_points_ = 0;         // of points_, those in use
  std::vector<T> features_;          // [row][feature] of the tile
  std::vector<T> logits_;            // [row][class]
  std::vector<T> grouped_logits_;    // [row/16][class][row%16], as the softmax kernel reads them
  std::vector<T> delta_, previous_;  // δ_l and δ_{l−1}: [row][unit]
};

}  // namespace meha
