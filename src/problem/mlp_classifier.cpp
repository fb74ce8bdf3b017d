// SPDX-License-Identifier: MIT
#include "meha/problem/mlp_classifier.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr auto as_is = CblasNoTrans;
constexpr auto transposed = CblasTrans;

/// C (m × n) ← op(A)·op(B) + beta·C, all row-major; k is the length of the sums.
void product(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m, int n, int k, const float* a, const float* b,
             float beta, float* c) {
  cblas_sgemm(CblasRowMajor, op_a, op_b, m, n, k, 1, a, op_a == as_is ? k : m, b, op_b == as_is ? n : k, beta, c, n);
}

void product(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m, int n, int k, const double* a, const double* b,
             double beta, double* c) {
  cblas_dgemm(CblasRowMajor, op_a, op_b, m, n, k, 1, a, op_a == as_is ? k : m, b, op_b == as_is ? n : k, beta, c, n);
}

/// z ← φ(z). What is not a number stays so.
template <class T>
void activate(Activation activation, T* z, Index n) {
  if (activation == Activation::Relu) {
    for (Index i = 0; i < n; ++i) {
      z[i] = z[i] < 0 ? T(0) : z[i];
    }
  } else if (activation == Activation::Sigmoid) {
    for (Index i = 0; i < n; ++i) {
      z[i] = 1 / (1 + std::exp(-z[i]));
    }
  }
}

/// delta ← delta·φ'(z), where a = φ(z).
template <class T>
void multiply_by_slope(Activation activation, const T* a, T* delta, Index n) {
  if (activation == Activation::Relu) {
    for (Index i = 0; i < n; ++i) {
      delta[i] = a[i] > 0 ? delta[i] : T(0);
    }
  } else if (activation == Activation::Sigmoid) {
    for (Index i = 0; i < n; ++i) {
      delta[i] *= a[i] * (1 - a[i]);
    }
  }
}

template <class E, class T>
void convert_values(const std::byte* from, Index n, T* to) {
  const auto* values = reinterpret_cast<const E*>(from);
  for (Index i = 0; i < n; ++i) {
    to[i] = static_cast<T>(values[i]);
  }
}

}  // namespace

Activation activation_of(const std::string& name) {
  return name == "relu" ? Activation::Relu : name == "sigmoid" ? Activation::Sigmoid : Activation::None;
}

template <class T>
MlpClassifier<T>::MlpClassifier(const ClassifierShape& shape, const std::vector<Index>& hidden, Activation activation,
                                Simd simd)
    : shape_(shape), activation_(activation), kernels_(&linear_kernels<T>(simd)) {
  openblas_set_num_threads(1);
  std::vector<Index> sizes = {shape.n_features};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(shape.n_classes);
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const Index n_weights = sizes[l] * sizes[l + 1];
    layers_.push_back({.n_in = static_cast<int>(sizes[l]),
                       .n_out = static_cast<int>(sizes[l + 1]),
                       .weight = static_cast<std::size_t>(n_parameters_),
                       .bias = static_cast<std::size_t>(n_parameters_ + n_weights)});
    n_parameters_ += n_weights + sizes[l + 1];
  }
  const auto rows_of = [](Index width) { return static_cast<std::size_t>(tile_rows * width); };
  features_.resize(rows_of(shape.n_features));
  logits_.resize(rows_of(shape.n_classes));
  grouped_logits_.resize(rows_of(shape.n_classes));
  const Index widest = *std::max_element(sizes.begin() + 1, sizes.end());
  delta_.resize(rows_of(widest));
  previous_.resize(rows_of(widest));
}

template <class T>
std::vector<NamedArray> MlpClassifier<T>::parameters() const {
  std::vector<NamedArray> arrays;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const std::string name = "layer" + std::to_string(l + 1);
    arrays.push_back({name + ".weight", {layers_[l].n_out, layers_[l].n_in}});
    arrays.push_back({name + ".bias", {layers_[l].n_out}});
  }
  return arrays;
}

template <class T>
std::string MlpClassifier<T>::arithmetic() const {
  std::istringstream config(openblas_get_config());  // "OpenBLAS 0.3.21 NO_LAPACKE …"
  std::string library;
  std::string version;
  config >> library >> version;
  return library + " " + version + " " + openblas_get_corename();
}

template <class T>
void MlpClassifier<T>::start(const std::string& init, Index seed, Out y) const {
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

template <class T>
typename MlpClassifier<T>::Point MlpClassifier<T>::make_point() const {
  Point point;
  point.parameters.resize(static_cast<std::size_t>(n_parameters_));
  point.gradient.resize(static_cast<std::size_t>(n_parameters_));
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    point.outputs.emplace_back(static_cast<std::size_t>(tile_rows * layers_[l].n_out));
  }
  point.probabilities.resize(static_cast<std::size_t>(tile_rows * shape_.n_classes));
  return point;
}

template <class T>
void MlpClassifier<T>::set_points(std::span<const InSpan> points) {
  n_points_ = points.size();
  while (points_.size() < n_points_) {
    points_.push_back(make_point());
  }
  const Real scale = feature_scale(shape_.element);
  const std::size_t n_scaled = layers_.front().bias;
  for (std::size_t p = 0; p < n_points_; ++p) {
    const InSpan y = points[p];
    std::vector<T>& to = points_[p].parameters;
    for (std::size_t i = 0; i < n_scaled; ++i) {
      to[i] = static_cast<T>(y[i] * scale);
    }
    for (std::size_t i = n_scaled; i < to.size(); ++i) {
      to[i] = static_cast<T>(y[i]);
    }
    std::fill(points_[p].gradient.begin(), points_[p].gradient.end(), T(0));
  }
}

template <class T>
const T* MlpClassifier<T>::input_of(const Point& point, std::size_t layer) const {
  return layer == 0 ? features_.data() : point.outputs[layer - 1].data();
}

template <class T>
void MlpClassifier<T>::convert(const Tile& tile) {
  const Index n = tile.n_rows * tile.n_features;
  if (shape_.element == Element::UInt8) {
    convert_values<std::uint8_t>(tile.features, n, features_.data());
  } else if (shape_.element == Element::Sparse) {
    std::fill_n(features_.begin(), n, T(0));
    for (Index row = 0; row < tile.n_rows; ++row) {
      for (const Entry& entry : tile.entries(row)) {
        features_[static_cast<std::size_t>(row * tile.n_features + entry.feature)] = static_cast<T>(entry.value);
      }
    }
  } else {
    convert_values<float>(tile.features, n, features_.data());
  }
}

/// output ← input·Wᵀ + b.
template <class T>
void MlpClassifier<T>::propagate(const Layer& layer, const Point& point, Index n_rows, const T* input,
                                 T* output) const {
  const T* bias = point.parameters.data() + layer.bias;
  for (Index row = 0; row < n_rows; ++row) {
    std::copy_n(bias, layer.n_out, output + row * layer.n_out);
  }
  product(as_is, transposed, static_cast<int>(n_rows), layer.n_out, layer.n_in, input,
          point.parameters.data() + layer.weight, T(1), output);
}

template <class T>
void MlpClassifier<T>::group_logits(Index n_rows) {
  for (Index row = 0; row < n_rows; ++row) {
    T* to = grouped_logits_.data() + row / group_rows * group_rows * shape_.n_classes + row % group_rows;
    for (Index c = 0; c < shape_.n_classes; ++c) {
      to[c * group_rows] = logits_[static_cast<std::size_t>(row * shape_.n_classes + c)];
    }
  }
}

template <class T>
void MlpClassifier<T>::forward(const Tile& tile, OutSpan losses) {
  require(tile.n_rows <= tile_rows && tile.n_features == shape_.n_features, "a tile fits the classifier");
  convert(tile);
  for (std::size_t p = 0; p < n_points_; ++p) {
    Point& point = points_[p];
    for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
      propagate(layers_[l], point, tile.n_rows, input_of(point, l), point.outputs[l].data());
      activate(activation_, point.outputs[l].data(), tile.n_rows * layers_[l].n_out);
    }
    propagate(layers_.back(), point, tile.n_rows, input_of(point, layers_.size() - 1), logits_.data());
    group_logits(tile.n_rows);
    kernels_->softmax(grouped_logits_.data(), tile.labels, tile.n_rows, 1, shape_.n_classes, point.probabilities.data(),
                      losses.data() + static_cast<Index>(p) * tile_rows, tile_rows);
  }
}

/// delta ← weight·(softmax − e_label), row by row.
template <class T>
void MlpClassifier<T>::set_residuals(const Point& point, const Tile& tile, InSpan weights) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    const T weight = static_cast<T>(weights[static_cast<std::size_t>(row)]);
    const T* probability = point.probabilities.data() + row * shape_.n_classes;
    T* residual = delta_.data() + row * shape_.n_classes;
    for (Index c = 0; c < shape_.n_classes; ++c) {
      residual[c] = weight * (probability[c] - (c == tile.labels[row] ? T(1) : T(0)));
    }
  }
}

/// ∇_W += δᵀ·a, ∇_b += Σ_rows δ.
template <class T>
void MlpClassifier<T>::add_gradient(std::size_t layer, Point& point, Index n_rows) {
  const Layer& here = layers_[layer];
  product(transposed, as_is, here.n_out, here.n_in, static_cast<int>(n_rows), delta_.data(), input_of(point, layer),
          T(1), point.gradient.data() + here.weight);
  T* bias = point.gradient.data() + here.bias;
  for (Index row = 0; row < n_rows; ++row) {
    const T* delta = delta_.data() + row * here.n_out;
    for (Index unit = 0; unit < here.n_out; ++unit) {
      bias[unit] += delta[unit];
    }
  }
}

/// delta ← (delta·W) ⊙ φ'.
template <class T>
void MlpClassifier<T>::propagate_back(std::size_t layer, const Point& point, Index n_rows) {
  const Layer& here = layers_[layer];
  product(as_is, as_is, static_cast<int>(n_rows), here.n_in, here.n_out, delta_.data(),
          point.parameters.data() + here.weight, T(0), previous_.data());
  multiply_by_slope(activation_, input_of(point, layer), previous_.data(), n_rows * here.n_in);
  std::swap(delta_, previous_);
}

template <class T>
void MlpClassifier<T>::backward(const Tile& tile, InSpan weights) {
  for (std::size_t p = 0; p < n_points_; ++p) {
    Point& point = points_[p];
    set_residuals(point, tile, weights);
    for (std::size_t l = layers_.size() - 1; l > 0; --l) {
      add_gradient(l, point, tile.n_rows);
      propagate_back(l, point, tile.n_rows);
    }
    add_gradient(0, point, tile.n_rows);
  }
}

template <class T>
void MlpClassifier<T>::collect(std::size_t point, OutSpan grad_y) {
  std::vector<T>& from = points_[point].gradient;
  const Real scale = feature_scale(shape_.element);
  const std::size_t n_scaled = layers_.front().bias;
  for (std::size_t i = 0; i < n_scaled; ++i) {
    grad_y[i] += static_cast<Real>(from[i]) * scale;
  }
  for (std::size_t i = n_scaled; i < from.size(); ++i) {
    grad_y[i] += static_cast<Real>(from[i]);
  }
  std::fill(from.begin(), from.end(), T(0));
}

template <class T>
void MlpClassifier<T>::classes(std::span<Label> most_likely) const {
  for (std::size_t row = 0; row < most_likely.size(); ++row) {
    const T* p = points_.front().probabilities.data() + static_cast<Index>(row) * shape_.n_classes;
    most_likely[row] = static_cast<Label>(std::max_element(p, p + shape_.n_classes) - p);
  }
}

template class MlpClassifier<float>;
template class MlpClassifier<double>;

}  // namespace meha
