// SPDX-License-Identifier: MIT
#include "meha/problem/linear_classifier.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

/// As LinearKernels::forward_…, of sparse rows. @param sums  scratch, (n_columns)
template <class T>
void sparse_forward(const Tile& tile, const T* weights, const T* bias, Index n_columns, T* sums, T* logits) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    std::copy_n(bias, n_columns, sums);
    for (const Entry& entry : tile.entries(row)) {
      const T value = static_cast<T>(entry.value);
      const T* weight = weights + entry.feature * n_columns;
      for (Index column = 0; column < n_columns; ++column) {
        sums[column] += value * weight[column];
      }
    }
    T* z = logits + row / group_rows * group_rows * n_columns + row % group_rows;
    for (Index column = 0; column < n_columns; ++column) {
      z[column * group_rows] = sums[column];
    }
  }
}

/// gradient[feature][column] += Σ_row features[row][feature]·residuals[row][column]
template <class T>
void sparse_backward(const Tile& tile, const T* residuals, Index n_columns, T* gradient) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    const T* residual = residuals + row * n_columns;
    for (const Entry& entry : tile.entries(row)) {
      const T value = static_cast<T>(entry.value);
      T* to = gradient + entry.feature * n_columns;
      for (Index column = 0; column < n_columns; ++column) {
        to[column] += value * residual[column];
      }
    }
  }
}

}  // namespace

template <class T>
LinearClassifier<T>::LinearClassifier(const ClassifierShape& shape, Simd simd)
    : shape_(shape),
      kernels_(&linear_kernels<T>(simd)),
      scratch_(shape.element == Element::Sparse
                   ? 0
                   : static_cast<std::size_t>(group_rows * shape.n_features * bytes_per(shape.element))) {}

template <class T>
Index LinearClassifier<T>::n_parameters() const {
  return shape_.n_classes * (shape_.n_features + 1);
}

template <class T>
std::vector<NamedArray> LinearClassifier<T>::parameters() const {
  return {{"weight", {shape_.n_classes, shape_.n_features}}, {"bias", {shape_.n_classes}}};
}

template <class T>
void LinearClassifier<T>::start(const std::string& init, Index seed, Out y) const {
  y.setZero();
  if (init == "kaiming_uniform") {
    const Real bound = 1 / std::sqrt(static_cast<Real>(shape_.n_features));
    for (Index i = 0; i < y.size(); ++i) {
      y[i] = bound * (2 * random_uniform(seed, Stream::Start, 0, i) - 1);
    }
  }
}

template <class T>
void LinearClassifier<T>::set_points(std::span<const InSpan> points) {
  n_points_ = static_cast<Index>(points.size());
  n_columns_ = n_points_ * shape_.n_classes;
  const auto n_columns = static_cast<std::size_t>(n_columns_);
  weights_.resize(static_cast<std::size_t>(shape_.n_features) * n_columns);
  bias_.resize(n_columns);
  logits_.resize(tile_rows * n_columns);
  probabilities_.resize(tile_rows * n_columns);
  gradient_.assign(static_cast<std::size_t>(padded(shape_.n_features)) * n_columns, T(0));
  sums_.resize(n_columns);
  bias_gradient_.assign(n_columns, 0);
  const Real scale = feature_scale(shape_.element);
  for (std::size_t column = 0; column < n_columns; ++column) {
    const InSpan y = points[column / static_cast<std::size_t>(shape_.n_classes)];
    const std::size_t c = column % static_cast<std::size_t>(shape_.n_classes);
    const auto n_features = static_cast<std::size_t>(shape_.n_features);
    for (std::size_t f = 0; f < n_features; ++f) {
      weights_[f * n_columns + column] = static_cast<T>(y[c * n_features + f] * scale);
    }
    bias_[column] = static_cast<T>(y[static_cast<std::size_t>(shape_.n_classes) * n_features + c]);
  }
}

template <class T>
void LinearClassifier<T>::forward(const Tile& tile, OutSpan losses) {
  require(tile.n_rows <= tile_rows && tile.n_features == shape_.n_features, "a tile fits the classifier");
  if (shape_.element == Element::UInt8) {
    kernels_->forward_uint8(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features,
                            weights_.data(), bias_.data(), n_columns_, reinterpret_cast<std::uint8_t*>(scratch_.data()),
                            logits_.data());
  } else if (shape_.element == Element::Sparse) {
    sparse_forward(tile, weights_.data(), bias_.data(), n_columns_, sums_.data(), logits_.data());
  } else {
    kernels_->forward_float32(reinterpret_cast<const float*>(tile.features), tile.n_rows, tile.n_features,
                              weights_.data(), bias_.data(), n_columns_, reinterpret_cast<float*>(scratch_.data()),
                              logits_.data());
  }
  if (shape_.loss == Loss::Squared) {
    square_losses(tile, losses);
    return;
  }
  kernels_->softmax(logits_.data(), tile.labels, tile.n_rows, n_points_, shape_.n_classes, probabilities_.data(),
                    losses.data(), tile_rows);
}

/// ½(z − t)² and z − t of every row at every point.
template <class T>
void LinearClassifier<T>::square_losses(const Tile& tile, OutSpan losses) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    const T* z = logits_.data() + row / group_rows * group_rows * n_columns_ + row % group_rows;
    for (Index point = 0; point < n_points_; ++point) {
      const Real off = static_cast<Real>(z[point * group_rows]) - tile.numbers[row];
      losses[static_cast<std::size_t>(point * tile_rows + row)] = off * off / 2;
      probabilities_[static_cast<std::size_t>(row * n_columns_ + point)] = static_cast<T>(off);
    }
  }
}

template <class T>
void LinearClassifier<T>::backward(const Tile& tile, InSpan weights) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    T* residual = probabilities_.data() + row * n_columns_;
    for (Index point = 0; shape_.loss == Loss::CrossEntropy && point < n_points_; ++point) {
      residual[point * shape_.n_classes + tile.labels[row]] -= T(1);
    }
    const T weight = static_cast<T>(weights[static_cast<std::size_t>(row)]);
    for (Index column = 0; column < n_columns_; ++column) {
      residual[column] *= weight;
      bias_gradient_[static_cast<std::size_t>(column)] += static_cast<Real>(residual[column]);
    }
  }
  if (shape_.element == Element::UInt8) {
    kernels_->backward_uint8(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features,
                             probabilities_.data(), n_columns_, gradient_.data());
  } else if (shape_.element == Element::Sparse) {
    sparse_backward(tile, probabilities_.data(), n_columns_, gradient_.data());
  } else {
    kernels_->backward_float32(reinterpret_cast<const float*>(tile.features), tile.n_rows, tile.n_features,
                               probabilities_.data(), n_columns_, gradient_.data());
  }
}

template <class T>
void LinearClassifier<T>::collect(std::size_t point, OutSpan grad_y) {
  const auto n_classes = static_cast<std::size_t>(shape_.n_classes);
  const auto n_features = static_cast<std::size_t>(shape_.n_features);
  const bool sparse = shape_.element == Element::Sparse;
  const auto to_next_feature = sparse ? static_cast<std::size_t>(n_columns_) : std::size_t{1};
  const auto to_next_column = sparse ? std::size_t{1} : static_cast<std::size_t>(padded(shape_.n_features));
  const Real scale = feature_scale(shape_.element);
  for (std::size_t c = 0; c < n_classes; ++c) {
    const std::size_t column = point * n_classes + c;
    T* from = gradient_.data() + column * to_next_column;
    Real* to = grad_y.data() + c * n_features;
    for (std::size_t f = 0; f < n_features; ++f) {
      T& value = from[f * to_next_feature];
      to[f] += static_cast<Real>(value) * scale;
      value = T(0);
    }
    grad_y[n_classes * n_features + c] += bias_gradient_[column];
    bias_gradient_[column] = 0;
  }
}

template <class T>
void LinearClassifier<T>::classes(std::span<Label> most_likely) const {
  for (std::size_t row = 0; row < most_likely.size(); ++row) {
    const T* p = probabilities_.data() + static_cast<Index>(row) * n_columns_;
    most_likely[row] = static_cast<Label>(std::max_element(p, p + shape_.n_classes) - p);
  }
}

template class LinearClassifier<float>;
template class LinearClassifier<double>;

}  // namespace meha
