// SPDX-License-Identifier: MIT
// Multilayer perceptron with softmax cross-entropy. With a_0 the features and L layers,
//   z_l = W_l·a_{l−1} + b_l,   a_l = φ(z_l) for l < L,   ℓ = log Σ_c e^{z_{L,c}} − z_{L,label};
//   δ_L = softmax(z_L) − e_label,   δ_{l−1} = (W_lᵀ·δ_l) ⊙ φ'(z_{l−1}),   ∇_{W_l} ℓ = δ_l·a_{l−1}ᵀ,   ∇_{b_l} ℓ = δ_l
// Along a direction v = (V_l, c_l), a dot for the derivative (the R-operator, forward over reverse):
//   ż_l = V_l·a_{l−1} + c_l + W_l·ȧ_{l−1},   ȧ_l = φ'(z_l) ⊙ ż_l,   δ̇_L = ṗ as in logits_along.hpp;
//   δ̇_{l−1} = φ'(z_{l−1}) ⊙ (V_lᵀ·δ_l + W_lᵀ·δ̇_l) + φ''(z_{l−1}) ⊙ ż_{l−1} ⊙ (W_lᵀ·δ_l),
//   ∇²ℓ·v = (δ̇_l·a_{l−1}ᵀ + δ_l·ȧ_{l−1}ᵀ,  δ̇_l)
// φ is relu (φ'(0) = 0), sigmoid or none. Between layers numbers stay grouped, as the kernels read and write them.
#pragma once

#include "meha/problem/tile_products.hpp"

namespace meha {

enum class Activation { Relu, Sigmoid, None };

/// The activation of that name; `name` must be one of relu, sigmoid, none.
Activation activation_of(const std::string& name);

template <class Input>
class MlpClassifier final : public Classifier {
 public:
  /// @param hidden  units of each hidden layer; none: the linear model
  MlpClassifier(const ClassifierShape& shape, const std::vector<Index>& hidden, Activation activation, Simd simd);

  [[nodiscard]] Index n_parameters() const override { return n_parameters_; }
  [[nodiscard]] std::vector<NamedArray> parameters() const override;
  void start(const std::string& init, Index seed, Out y) const override;
  using Classifier::set_points;
  void set_points(std::span<const InSpan> points, std::span<const Index> features) override;
  void use_points(std::size_t first, std::size_t n) override;
  void forward(const Tile& tile, OutSpan losses) override;
  void backward(const Tile& tile, InSpan weights) override;
  void probabilities(std::size_t point, OutSpan probabilities) const override;
  void set_residuals(std::size_t point, const Tile& tile, InSpan residuals) override;
  void backward(const Tile& tile) override;
  void take_gradient(std::size_t point, const TakePiece& take) override { take_gradient(points_[point], take); }
  void set_directions(std::span<const Along> directions, std::span<const Index> features) override;
  void forward_along(const Tile& tile, OutSpan slopes) override;
  void backward_along(const Tile& tile, InSpan weights) override;
  void collect_along(std::size_t direction, OutSpan hess_y) override {
    take_gradient(along_[direction], adder_to(hess_y));
  }
  void classes(std::span<Label> most_likely) const override;

 private:
  using T = SumOf<Input>;
  using Panels = typename TileProducts<Input>::Panels;
  struct Layer {
    Index n_in, n_out;
    std::size_t weight, bias;  // where W and b begin in y
  };
  /// A layer at one point y; arrays as TileProducts reads them.
  struct LayerAtPoint {
    Panels weight;    // Wᵀ (n_in × n_out) in panels; the first with the scale of uint8 features folded in
    Panels weight_t;  // W (n_out × n_in) in panels; empty for the first
    std::vector<T> bias;
    std::vector<T> output;      // a_l, of the last layer z_L and then its softmax; grouped
    std::vector<T> gradient;    // ∂/∂W (n_out × padded n_in), of the stored (unscaled) features
    bool has_gradient = false;  // whether there is any that was not collected
    std::vector<Real> bias_gradient;
  };
  using Point = std::vector<LayerAtPoint>;

  [[nodiscard]] std::span<Point> in_use() { return std::span(points_).subspan(first_point_, n_points_); }
  [[nodiscard]] std::span<const Point> in_use() const { return std::span(points_).subspan(first_point_, n_points_); }
  [[nodiscard]] Point make_point() const;
  void set_point(InSpan y, Point& point) const;
  void propagate_back(const Tile& tile, Point& point);
  void take_gradient(Point& point, const TakePiece& take);
  void propagate_along(const Tile& tile, Point& point, Point& along);
  void propagate_back_along(const Tile& tile, Point& point, Point& along);

  ClassifierShape shape_;
  Activation activation_;
  const TileKernels<T>* kernels_;
  TileProducts<Input> products_;
  std::vector<Layer> layers_;
  Index n_parameters_ = 0;
  std::vector<Point> points_;
  std::size_t first_point_ = 0, n_points_ = 0;  // of points_, those in use
  std::vector<Real> piece_;                     // of a gradient
  std::vector<T> row_weights_;                  // of the tile
  std::vector<T> delta_, previous_;             // δ_l and δ_{l−1}, grouped
  std::vector<T> zeros_;
  std::vector<Point> along_;  // at a direction: W and b are V and c, output is ȧ_l, of the last layer ż_L
  std::vector<std::size_t> point_of_direction_;
  std::vector<T> delta_dot_, previous_dot_;  // δ̇_l and δ̇_{l−1}, grouped
  std::vector<T> term_;                      // of a sum, grouped
};

}  // namespace meha
