// SPDX-License-Identifier: MIT
#include "meha/problem/mlp_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"
#include "between_layers.hpp"
#include "meha/problem/layouts.hpp"

namespace meha {

Activation activation_of(const std::string& name) {
  return name == "relu" ? Activation::Relu : name == "sigmoid" ? Activation::Sigmoid : Activation::None;
}

template <class Input>
MlpClassifier<Input>::MlpClassifier(const ClassifierShape& shape, const std::vector<Index>& hidden,
                                    Activation activation, Simd simd)
    : shape_(shape),
      activation_(activation),
      kernels_(&tile_kernels<T>(simd)),
      products_(shape, simd),
      row_weights_(tile_rows) {
  std::vector<Index> sizes = {shape.n_features};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(shape.n_classes);
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const Index n_weights = sizes[l] * sizes[l + 1];
    layers_.push_back({.n_in = sizes[l],
                       .n_out = sizes[l + 1],
                       .weight = static_cast<std::size_t>(n_parameters_),
                       .bias = static_cast<std::size_t>(n_parameters_ + n_weights)});
    n_parameters_ += n_weights + sizes[l + 1];
  }
  const auto rows_of = [](Index width) { return static_cast<std::size_t>(tile_rows * width); };
  const Index widest = *std::max_element(sizes.begin() + 1, sizes.end());
  delta_.resize(rows_of(widest));
  previous_.resize(rows_of(widest));
  zeros_.resize(static_cast<std::size_t>(widest));
}

template <class Input>
std::vector<NamedArray> MlpClassifier<Input>::parameters() const {
  std::vector<NamedArray> arrays;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const std::string name = "layer" + std::to_string(l + 1);
    arrays.push_back({name + ".weight", {layers_[l].n_out, layers_[l].n_in}});
    arrays.push_back({name + ".bias", {layers_[l].n_out}});
  }
  return arrays;
}

template <class Input>
void MlpClassifier<Input>::start(const std::string& init, Index seed, Out y) const {
  y.setZero();
  if (init == "zero") {
    return;
  }
  for (const Layer& layer : layers_) {
    const Real bound = 1 / std::sqrt(static_cast<Real>(layer.n_in));
    const auto end = static_cast<Index>(layer.bias) + layer.n_out;
    for (auto i = static_cast<Index>(layer.weight); i < end; ++i) {
      y[i] = bound * (2 * random_uniform(seed, Stream::Start, 0, i) - 1);
    }
  }
}

template <class Input>
typename MlpClassifier<Input>::Point MlpClassifier<Input>::make_point() const {
  Point point;
  for (const Layer& layer : layers_) {
    const auto n_out = static_cast<std::size_t>(layer.n_out);
    LayerAtPoint& here = point.emplace_back();
    here.bias.resize(n_out);
    here.output.resize(tile_rows * n_out);
    here.gradient.resize(n_out * static_cast<std::size_t>(padded(layer.n_in)));
    here.bias_gradient.resize(n_out);
  }
  return point;
}

template <class Input>
void MlpClassifier<Input>::set_point(InSpan y, Point& point) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    LayerAtPoint& here = point[l];
    const Real* w = y.data() + layer.weight;
    const Index n_in = layer.n_in;
    if (l == 0) {
      const auto unit_of = [&](Index unit) { return w + unit * n_in; };
      products_.fill(n_in, layer.n_out, unit_of, feature_scale(shape_.element), here.weight);
    } else {
      products_.fill(
          n_in, layer.n_out, [&](Index i, Index unit) { return w[unit * n_in + i]; }, here.weight);
      products_.fill(
          layer.n_out, n_in, [&](Index unit, Index i) { return w[unit * n_in + i]; }, here.weight_t);
    }
    for (std::size_t unit = 0; unit < here.bias.size(); ++unit) {
      here.bias[unit] = static_cast<T>(y[layer.bias + unit]);
    }
    here.has_gradient = false;
    std::fill(here.bias_gradient.begin(), here.bias_gradient.end(), 0);
    std::fill(here.output.begin(), here.output.end(), T(0));  // rows past a tile's last must be numbers
  }
}

template <class Input>
void MlpClassifier<Input>::set_points(std::span<const InSpan> points, std::span<const Index> /*features*/) {
  while (points_.size() < points.size()) {
    points_.push_back(make_point());
  }
  use_points(0, points.size());
  for (std::size_t p = 0; p < n_points_; ++p) {
    set_point(points[p], points_[p]);
  }
}

template <class Input>
void MlpClassifier<Input>::use_points(std::size_t first, std::size_t n) {
  first_point_ = first;
  n_points_ = n;
}

template <class Input>
void MlpClassifier<Input>::forward(const Tile& tile, OutSpan losses) {
  require(tile.n_rows <= tile_rows && tile.n_features == shape_.n_features, "a tile fits the classifier");
  products_.read(tile);
  for (std::size_t p = 0; p < n_points_; ++p) {
    Point& point = in_use()[p];
    products_.forward(tile, point.front().weight, point.front().bias.data(), layers_.front().n_out,
                      point.front().output.data());
    for (std::size_t l = 1; l < layers_.size(); ++l) {
      std::vector<T>& input = point[l - 1].output;
      activate(activation_, input.data(), padded(tile.n_rows) * layers_[l].n_in);
      products_.forward(input.data(), tile.n_rows, layers_[l].n_in, point[l].weight, point[l].bias.data(),
                        layers_[l].n_out, point[l].output.data());
    }
    kernels_->softmax(point.back().output.data(), tile.labels, tile.n_rows, 1, shape_.n_classes,
                      losses.data() + static_cast<Index>(p) * tile_rows, tile_rows);
  }
}

template <class Input>
void MlpClassifier<Input>::backward(const Tile& tile, InSpan weights) {
  for (std::size_t row = 0; row < tile_rows; ++row) {
    row_weights_[row] = static_cast<Index>(row) < tile.n_rows ? static_cast<T>(weights[row]) : T(0);
  }
  for (Point& point : in_use()) {
    LayerAtPoint& last = point.back();
    kernels_->residuals(last.output.data(), tile.labels, row_weights_.data(), tile.n_rows, 1, shape_.n_classes,
                        last.bias_gradient.data());
  }
  backward(tile);
}

template <class Input>
void MlpClassifier<Input>::probabilities(std::size_t point, OutSpan probabilities) const {
  copy_columns(in_use()[point].back().output.data(), shape_.n_classes, 0, shape_.n_classes, probabilities);
}

template <class Input>
void MlpClassifier<Input>::set_residuals(std::size_t point, const Tile& tile, InSpan residuals) {
  LayerAtPoint& last = in_use()[point].back();
  set_columns(residuals, tile.n_rows, shape_.n_classes, 0, shape_.n_classes, last.output.data(),
              last.bias_gradient.data());
}

template <class Input>
void MlpClassifier<Input>::backward(const Tile& tile) {
  for (Point& point : in_use()) {
    propagate_back(tile, point);
  }
}

/// From the residuals that stand in the last layer's output.
template <class Input>
void MlpClassifier<Input>::propagate_back(const Tile& tile, Point& point) {
  const std::vector<T>& residuals = point.back().output;
  const auto n_logits = static_cast<std::ptrdiff_t>(padded(tile.n_rows) * shape_.n_classes);
  std::copy(residuals.begin(), residuals.begin() + n_logits, delta_.begin());
  for (std::size_t l = layers_.size() - 1; l > 0; --l) {
    const Layer& layer = layers_[l];
    const std::vector<T>& input = point[l - 1].output;
    products_.backward(input.data(), tile.n_rows, layer.n_in, delta_.data(), layer.n_out, point[l].gradient.data(),
                       std::exchange(point[l].has_gradient, true));
    products_.forward(delta_.data(), tile.n_rows, layer.n_out, point[l].weight_t, zeros_.data(), layer.n_in,
                      previous_.data());
    multiply_by_slope(activation_, input.data(), previous_.data(), padded(tile.n_rows) * layer.n_in);
    add_column_sums(previous_.data(), tile.n_rows, layer.n_in, point[l - 1].bias_gradient.data());
    std::swap(delta_, previous_);
  }
  products_.backward(tile, delta_.data(), layers_.front().n_out, point.front().gradient.data(),
                     std::exchange(point.front().has_gradient, true));
}

template <class Input>
void MlpClassifier<Input>::take_gradient(Point& point, const TakePiece& take) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    LayerAtPoint& here = point[l];
    const Real scale = l == 0 ? feature_scale(shape_.element) : 1;
    const bool is_there = std::exchange(here.has_gradient, false);
    take(static_cast<Index>(layer.bias), here.bias_gradient);
    std::fill(here.bias_gradient.begin(), here.bias_gradient.end(), 0);
    piece_.assign(static_cast<std::size_t>(layer.n_in), 0);
    for (Index unit = 0; unit < layer.n_out; ++unit) {
      if (is_there) {
        scale_to(here.gradient.data() + unit * padded(layer.n_in), layer.n_in, scale, piece_.data());
      }
      take(static_cast<Index>(layer.weight) + unit * layer.n_in, piece_);
    }
  }
}

template <class Input>
void MlpClassifier<Input>::classes(std::span<Label> most_likely) const {
  most_likely_class(in_use().front().back().output.data(), shape_.n_classes, shape_.n_classes, most_likely);
}

template class MlpClassifier<float>;
template class MlpClassifier<double>;
template class MlpClassifier<BFloat16>;
template class MlpClassifier<Int16>;

}  // namespace meha
