// SPDX-License-Identifier: MIT
// Multinomial logistic regression: z = W·a + b, ℓ = log Σ_c e^{z_c} − z_label; ∇_W ℓ = (softmax(z) − e_label)·aᵀ,
// ∇_b ℓ = softmax(z) − e_label. Loss::Squared: z = w·a + b is one number, ℓ = ½(z − t)², ∇_w ℓ = (z − t)·a.
// All points of a pass go through ONE product per tile, in arithmetic T.
#pragma once

#include "meha/problem/classifier.hpp"

namespace meha {

template <class T>
class LinearClassifier final : public Classifier {
 public:
  LinearClassifier(const ClassifierShape& shape, Simd simd);

  [[nodiscard]] Index n_parameters() const override;
  [[nodiscard]] std::vector<NamedArray> parameters() const override;
  void start(const std::string& init, Index seed, Out y) const override;
  void set_points(std::span<const InSpan> points) override;
  void forward(const Tile& tile, OutSpan losses) override;
  void backward(const Tile& tile, InSpan weights) override;
  void collect(std::size_t point, OutSpan grad_y) override;
  void classes(std::span<Label> most_likely) const override;

 private:
  void square_losses(const Tile& tile, OutSpan losses);

  ClassifierShape shape_;
  const LinearKernels<T>* kernels_;
  Index n_points_ = 0;
  Index n_columns_ = 0;
  std::vector<T> weights_;        // [feature][column], with the scale of uint8 features folded in
  std::vector<T> bias_;           // [column]
  std::vector<T> logits_;         // [row/16][column][row%16]
  std::vector<T> probabilities_;  // [row][column]; residuals after backward(); Squared: residuals
  std::vector<T> gradient_;  // [column][padded feature], of the stored (unscaled) features; sparse: [feature][column]
  std::vector<Real> bias_gradient_;
  std::vector<T> sums_;  // of one sparse row: [column]
  std::vector<std::byte> scratch_;
};

}  // namespace meha
