// SPDX-License-Identifier: MIT
#include "meha/problem/linear_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"
#include "meha/problem/sparse_products.hpp"

namespace meha {

template <class Input>
LinearClassifier<Input>::LinearClassifier(const ClassifierShape& shape, Simd simd)
    : shape_(shape), simd_(simd), kernels_(&tile_kernels<T>(simd)), products_(shape, simd), row_weights_(tile_rows) {}

template <class Input>
Index LinearClassifier<Input>::n_parameters() const {
  return shape_.n_classes * (shape_.n_features + 1);
}

template <class Input>
std::vector<NamedArray> LinearClassifier<Input>::parameters() const {
  return {{"weight", {shape_.n_classes, shape_.n_features}}, {"bias", {shape_.n_classes}}};
}

template <class Input>
void LinearClassifier<Input>::start(const std::string& init, Index seed, Out y) const {
  y.setZero();
  if (init == "kaiming_uniform") {
    const Real bound = 1 / std::sqrt(static_cast<Real>(shape_.n_features));
    for (Index i = 0; i < y.size(); ++i) {
      y[i] = bound * (2 * random_uniform(seed, Stream::Start, 0, i) - 1);
    }
  }
}

template <class Input>
Index LinearClassifier<Input>::n_per_feature() const {
  return shape_.element == Storage::Sparse ? shape_.n_classes : 0;
}

template <class Input>
void LinearClassifier<Input>::set_points(std::span<const InSpan> points, std::span<const Index> features) {
  few_features_ = !features.empty();
  require(!few_features_ || shape_.element == Storage::Sparse, "only sparse rows have few features");
  if (few_features_) {
    places_.resize(static_cast<std::size_t>(shape_.n_features));
    for (std::size_t place = 0; place < features.size(); ++place) {
      places_[static_cast<std::size_t>(features[place])] = static_cast<std::uint32_t>(place);
    }
    is_touched_.assign(features.size(), 0);
    touched_.clear();
  }
  const Index n_there = few_features_ ? static_cast<Index>(features.size()) : shape_.n_features;
  use_points(0, points.size());
  const auto n_columns = static_cast<std::size_t>(n_columns_);
  const Index n_features = shape_.n_features;
  const bool sparse = shape_.element == Storage::Sparse;
  bias_.resize(n_columns);
  values_.assign(tile_rows * n_columns, T(0));  // rows past a tile's last must be numbers
  if (sparse) {
    gradient_.assign(static_cast<std::size_t>(n_there) * n_columns, T(0));
  } else {
    gradient_.resize(static_cast<std::size_t>(padded(n_there)) * n_columns);
  }
  has_gradient_.assign(points.size(), 0);
  sums_.resize(n_columns);
  bias_gradient_.assign(n_columns, 0);
  columns_.clear();
  for (const InSpan y : points) {
    for (Index c = 0; c < shape_.n_classes; ++c) {
      bias_[columns_.size()] = static_cast<T>(y[static_cast<std::size_t>(shape_.n_classes * n_features + c)]);
      columns_.push_back(y.data() + c * n_features);
    }
  }
  if (sparse) {
    fill(features);
  }
}

template <class Input>
void LinearClassifier<Input>::use_points(std::size_t first, std::size_t n) {
  first_column_ = static_cast<Index>(first) * shape_.n_classes;
  n_points_ = static_cast<Index>(n);
  n_columns_ = n_points_ * shape_.n_classes;
  is_filled_ = false;
}

/// Lays out W of the points in use. @param features  of set_points(); none: all
template <class Input>
void LinearClassifier<Input>::fill(std::span<const Index> features) {
  const Index n_there = few_features_ ? static_cast<Index>(features.size()) : shape_.n_features;
  const Real scale = feature_scale(shape_.element);
  const auto column_of = [&](Index column) { return columns_[static_cast<std::size_t>(first_column_ + column)]; };
  if (shape_.element == Storage::Sparse) {
    const auto value = [&](Index f, Index column) {
      return column_of(column)[few_features_ ? features[static_cast<std::size_t>(f)] : f] * scale;
    };
    weights_.resize(static_cast<std::size_t>(n_there * n_columns_));
    fill_panels(n_there, n_columns_, n_columns_, value, weights_.data());
  } else {
    products_.fill(n_there, n_columns_, column_of, scale, panels_);
  }
  is_filled_ = true;
}

/// The logits of every row at every point.
template <class Input>
void LinearClassifier<Input>::logits(const Tile& tile) {
  require(tile.n_rows <= tile_rows && tile.n_features == shape_.n_features, "a tile fits the classifier");
  if (shape_.element != Storage::Sparse) {
    if (!is_filled_) {
      fill({});
    }
    products_.read(tile);
    products_.forward(tile, panels_, bias_.data() + first_column_, n_columns_, values_.data());
  } else {
    require(is_filled_, "sparse rows are visited at all points of a pass");
    sparse_forward(tile, places(), weights_.data(), bias_.data(), n_columns_, sums_.data(), values_.data());
  }
}

template <class Input>
void LinearClassifier<Input>::forward(const Tile& tile, OutSpan losses) {
  logits(tile);
  if (shape_.loss == Loss::Squared) {
    square_losses(tile, losses);
    return;
  }
  kernels_->softmax(values_.data(), tile.labels, tile.n_rows, n_points_, shape_.n_classes, losses.data(), tile_rows);
}

/// ½(z − t)² and z − t of every row at every point.
template <class Input>
void LinearClassifier<Input>::square_losses(const Tile& tile, OutSpan losses) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (Index point = 0; point < n_points_; ++point) {
      T& z = values_[grouped_at(row, point, n_columns_)];
      const Real off = static_cast<Real>(z) - tile.numbers[row];
      losses[static_cast<std::size_t>(point * tile_rows + row)] = off * off / 2;
      z = static_cast<T>(off);
    }
  }
}

template <class Input>
void LinearClassifier<Input>::backward(const Tile& tile, InSpan weights) {
  for (std::size_t row = 0; row < tile_rows; ++row) {
    row_weights_[row] = static_cast<Index>(row) < tile.n_rows ? static_cast<T>(weights[row]) : T(0);
  }
  kernels_->residuals(values_.data(), shape_.loss == Loss::CrossEntropy ? tile.labels : nullptr, row_weights_.data(),
                      tile.n_rows, n_points_, shape_.n_classes, bias_gradient_.data() + first_column_);
  backward(tile);
}

template <class Input>
void LinearClassifier<Input>::probabilities(std::size_t point, OutSpan probabilities) const {
  copy_columns(values_.data(), n_columns_, static_cast<Index>(point) * shape_.n_classes, shape_.n_classes,
               probabilities);
}

template <class Input>
void LinearClassifier<Input>::set_residuals(std::size_t point, const Tile& tile, InSpan residuals) {
  const Index first = static_cast<Index>(point) * shape_.n_classes;
  set_columns(residuals, tile.n_rows, n_columns_, first, shape_.n_classes, values_.data(),
              bias_gradient_.data() + first_column_ + first);
}

template <class Input>
void LinearClassifier<Input>::backward(const Tile& tile) {
  const auto first_point = first_column_ / shape_.n_classes;
  const auto there =
      std::span(has_gradient_).subspan(static_cast<std::size_t>(first_point), static_cast<std::size_t>(n_points_));
  if (shape_.element != Storage::Sparse) {
    const Index size_of_point = shape_.n_classes * padded(shape_.n_features);
    T* const gradient = gradient_.data() + first_point * size_of_point;
    const bool adds = std::find(there.begin(), there.end(), 1) != there.end();
    for (std::size_t p = 0; p < there.size() && adds; ++p) {
      if (there[p] == 0) {
        std::fill_n(gradient + static_cast<Index>(p) * size_of_point, size_of_point, T(0));
      }
    }
    products_.backward(tile, values_.data(), n_columns_, gradient, adds);
  } else {
    note_touched(tile);
    sparse_backward(tile, places(), values_.data(), n_columns_, sums_.data(), gradient_.data());
  }
  std::fill(there.begin(), there.end(), 1);
}

template <class Input>
void LinearClassifier<Input>::note_touched(const Tile& tile) {
  if (!few_features_) {
    return;
  }
  if (is_collected_) {
    for (const std::uint32_t place : touched_) {
      is_touched_[place] = 0;
    }
    touched_.clear();
    is_collected_ = false;
  }
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (const Entry& entry : tile.entries(row)) {
      const std::uint32_t place = places_[entry.feature];
      if (is_touched_[place] == 0) {
        is_touched_[place] = 1;
        touched_.push_back(place);
      }
    }
  }
}

template <class Input>
void LinearClassifier<Input>::collect_touched(std::size_t point, OutSpan grad_y) {
  const auto n_classes = static_cast<std::size_t>(shape_.n_classes);
  auto to = grad_y.begin();
  for (std::size_t c = 0; c < n_classes; ++c) {
    *to++ = std::exchange(bias_gradient_[point * n_classes + c], 0);
  }
  for (const std::uint32_t place : touched_) {
    T* from = gradient_.data() + place * static_cast<std::size_t>(n_columns_) + point * n_classes;
    for (std::size_t c = 0; c < n_classes; ++c) {
      *to++ = static_cast<Real>(std::exchange(from[c], T(0)));
    }
  }
  is_collected_ = true;
}

template <class Input>
void LinearClassifier<Input>::take_gradient(std::size_t point, const TakePiece& take) {
  const Real scale = feature_scale(shape_.element);
  const auto n_features = static_cast<std::size_t>(shape_.n_features);
  const Index first = static_cast<Index>(point) * shape_.n_classes;
  const bool is_there = std::exchange(has_gradient_[point], 0) != 0;
  const OutSpan biases = slice(OutSpan(bias_gradient_), {first, first + shape_.n_classes});
  take(shape_.n_classes * shape_.n_features, biases);
  std::fill(biases.begin(), biases.end(), 0);
  piece_.assign(n_features, 0);
  for (Index c = 0; c < shape_.n_classes; ++c) {
    T* const dense = gradient_.data() + (first + c) * padded(shape_.n_features);
    T* const sparse = gradient_.data() + first + c;
    for (std::size_t f = 0; f < n_features && is_there; ++f) {
      piece_[f] = shape_.element == Storage::Sparse
                      ? static_cast<Real>(std::exchange(sparse[f * static_cast<std::size_t>(n_columns_)], T(0)))
                      : static_cast<Real>(dense[f]) * scale;
    }
    take(c * shape_.n_features, piece_);
  }
}

template <class Input>
void LinearClassifier<Input>::classes(std::span<Label> most_likely) const {
  most_likely_class(values_.data(), n_columns_, shape_.n_classes, most_likely);
}

template class LinearClassifier<float>;
template class LinearClassifier<double>;
template class LinearClassifier<BFloat16>;
template class LinearClassifier<Int16>;

}  // namespace meha
