// SPDX-License-Identifier: MIT
// Multinomial logistic regression: z = W·a + b, ℓ = log Σ_c e^{z_c} − z_label; ∇_W ℓ = (softmax(z) − e_label)·aᵀ,
// ∇_b ℓ = softmax(z) − e_label. Loss::Squared: z = w·a + b is one number, ℓ = ½(z − t)², ∇_w ℓ = (z − t)·a.
// All points of a pass go through ONE product per tile, and all directions v = (V, c) through another:
// ż = V·a + c, ∇²ℓ·v = (ṗ·aᵀ, ṗ), ṗ as in logits_along.hpp.
#pragma once

#include "meha/problem/tile_products.hpp"

namespace meha {

template <class Input>
class LinearClassifier final : public Classifier {
 public:
  LinearClassifier(const ClassifierShape& shape, Simd simd);

  [[nodiscard]] Index n_parameters() const override;
  [[nodiscard]] std::vector<NamedArray> parameters() const override;
  void start(const std::string& init, Index seed, Out y) const override;
  [[nodiscard]] Index n_per_feature() const override;
  using Classifier::set_points;
  void set_points(std::span<const InSpan> points, std::span<const Index> features) override;
  void use_points(std::size_t first, std::size_t n) override;
  void forward(const Tile& tile, OutSpan losses) override;
  void backward(const Tile& tile, InSpan weights) override;
  void probabilities(std::size_t point, OutSpan probabilities) const override;
  void set_residuals(std::size_t point, const Tile& tile, InSpan residuals) override;
  void backward(const Tile& tile) override;
  void take_gradient(std::size_t point, const TakePiece& take) override;
  void collect_touched(std::size_t point, OutSpan grad_y) override;
  [[nodiscard]] std::span<const std::uint32_t> touched() const override { return touched_; }
  void set_directions(std::span<const Along> directions, std::span<const Index> features) override;
  void forward_along(const Tile& tile, OutSpan slopes) override;
  void backward_along(const Tile& tile, InSpan weights) override;
  void collect_along(std::size_t direction, OutSpan hess_y) override { along_->collect(direction, hess_y); }
  void collect_touched_along(std::size_t direction, OutSpan hess_y) override {
    along_->collect_touched(direction, hess_y);
  }
  [[nodiscard]] std::span<const std::uint32_t> touched_along() const override { return along_->touched_; }
  void classes(std::span<Label> most_likely) const override;

 private:
  using T = SumOf<Input>;
  void fill(std::span<const Index> features);
  void logits(const Tile& tile);
  void square_losses(const Tile& tile, OutSpan losses);
  void note_touched(const Tile& tile);
  [[nodiscard]] const std::uint32_t* places() const { return few_features_ ? places_.data() : nullptr; }

  ClassifierShape shape_;
  Simd simd_;
  const TileKernels<T>* kernels_;
  TileProducts<Input> products_;                 // dense rows
  typename TileProducts<Input>::Panels panels_;  // with the scale of uint8 features folded in
  bool is_filled_ = false;                       // whether these are of the points in use
  Index first_column_ = 0;                       // of all points' columns, the first in use
  Index n_points_ = 0, n_columns_ = 0;           // in use
  bool few_features_ = false;                    // "feature" below is then a place among those of the pass
  std::vector<std::uint32_t> places_;            // of the pass's features
  std::vector<std::uint32_t> touched_;           // places
  std::vector<std::uint8_t> is_touched_;
  bool is_collected_ = false;  // what is touched belongs to a block that is done
  std::vector<T> weights_;     // sparse rows: [feature][column]
  std::vector<T> bias_;        // [column of all points]
  std::vector<T> values_;      // grouped by [column]: logits, then probabilities (squared: z − t), then residuals
  std::vector<T> row_weights_;
  std::vector<const Real*> columns_;  // where W's row for each column of all points stands in y
  // [column of all points][padded feature], of the stored (unscaled) features; sparse: [feature][column]
  std::vector<T> gradient_;
  std::vector<std::uint8_t> has_gradient_;  // by point: whether there is any in gradient_ that was not collected
  std::vector<Real> bias_gradient_;         // [column of all points]
  std::vector<T> sums_;                     // of one sparse row: [column]
  std::vector<Real> piece_;                 // of a gradient
  std::vector<std::size_t> point_of_direction_;
  std::unique_ptr<LinearClassifier> along_;  // whose points are the directions, its logits ż; null: never any
};

}  // namespace meha
