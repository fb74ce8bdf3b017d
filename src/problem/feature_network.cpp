// SPDX-License-Identifier: MIT
#include "meha/problem/feature_network.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/random.hpp"
#include "meha/problem/layouts.hpp"

namespace meha {

Index NetworkShape::n_parameters() const {
  Index n = 0;
  for (std::size_t l = 0; l < hidden.size(); ++l) {
    n += hidden[l] * (n_inputs(l) + 1);
  }
  return n;
}

template <class T>
FeatureNetwork<T>::FeatureNetwork(const NetworkShape& shape, Simd simd)
    : shape_(shape), kernels_(&tile_kernels<T>(simd)), layers_(shape.hidden.size()) {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Index n_in = shape_.n_inputs(l);
    const Index n_out = shape_.hidden[l];
    Layer& layer = layers_[l];
    layer.weight.resize(l == 0 ? n_in : n_out, l == 0 ? n_out : n_in);
    layer.bias.resize(1, n_out);
    layer.gradient.setZero(n_out, l == 0 ? padded(n_in) : n_in);
    layer.bias_gradient.assign(static_cast<std::size_t>(n_out), 0);
  }
}

template <class T>
void FeatureNetwork<T>::start(Index seed, OutSpan x) const {
  std::size_t at = 0;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Real bound = 1 / std::sqrt(static_cast<Real>(shape_.n_inputs(l)));
    const Index n = shape_.hidden[l] * (shape_.n_inputs(l) + 1);
    for (Index i = 0; i < n; ++i) {
      x[at++] = bound * (2 * random_uniform(seed, Stream::Start, static_cast<Index>(l), i) - 1);
    }
  }
}

template <class T>
void FeatureNetwork<T>::set_parameters(InSpan x) {
  const Real* from = x.data();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    const Index n_in = shape_.n_inputs(l);
    const Index n_out = shape_.hidden[l];
    if (l == 0) {
      const Real scale = feature_scale(shape_.element);
      fill_panels(
          n_in, n_out, kernels_->panel_columns, [&](Index i, Index o) { return from[o * n_in + i] * scale; },
          layer.weight.data());
    } else {
      std::copy_n(from, n_in * n_out, layer.weight.data());
    }
    from += n_in * n_out;
    for (Index o = 0; o < shape_.hidden[l]; ++o) {
      layer.bias(0, o) = static_cast<T>(*from++);
    }
  }
}

template <class T>
void FeatureNetwork<T>::activate(Matrix<T>& values) const {
  T* value = values.data();
  for (Index i = 0; i < values.size(); ++i) {
    value[i] = shape_.activation == FeatureActivation::Relu ? std::max(value[i], T(0)) : std::tanh(value[i]);
  }
}

/// d ∘ s', entry by entry.
template <class T>
void FeatureNetwork<T>::times_slope(const Matrix<T>& output, Matrix<T>& d) const {
  const T* h = output.data();
  T* slope = d.data();
  for (Index i = 0; i < d.size(); ++i) {
    slope[i] *= shape_.activation == FeatureActivation::Relu ? (h[i] > 0 ? T(1) : T(0)) : 1 - h[i] * h[i];
  }
}

template <class T>
template <class E>
void FeatureNetwork<T>::first_product(const Products<T, E>& products, const Tile& tile) {
  const Layer& layer = layers_.front();
  grouped_features_.resize(static_cast<std::size_t>(padded(tile.n_rows) * tile.n_features) * sizeof(E));
  auto* grouped = reinterpret_cast<E*>(grouped_features_.data());
  const auto* features = reinterpret_cast<const E*>(tile.features);
  products.group(features, tile.n_rows, tile.n_features, grouped);
  products.forward(grouped, tile.n_rows, tile.n_features, layer.weight.data(), layer.bias.data(), layer.bias.cols(),
                   grouped_.data(), reinterpret_cast<const E*>(tile.next));
}

template <class T>
void FeatureNetwork<T>::first_layer(const Tile& tile) {
  Layer& layer = layers_.front();
  const Index n_out = shape_.hidden.front();
  grouped_.resize(static_cast<std::size_t>(padded(tile.n_rows) * n_out));
  if (shape_.element == Storage::UInt8) {
    first_product(kernels_->uint8, tile);
  } else {
    first_product(kernels_->float32, tile);
  }
  layer.output.resize(tile.n_rows, n_out);
  kernels_->ungroup(grouped_.data(), tile.n_rows, n_out, layer.output.data());
}

template <class T>
const Matrix<T>& FeatureNetwork<T>::forward(const Tile& tile) {
  first_layer(tile);
  activate(layers_.front().output);
  for (std::size_t l = 1; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    layer.output.resize(tile.n_rows, shape_.hidden[l]);
    layer.output.noalias() = layers_[l - 1].output * layer.weight.transpose();
    for (Index row = 0; row < tile.n_rows; ++row) {
      layer.output.row(row) += layer.bias.row(0);
    }
    activate(layer.output);
  }
  return layers_.back().output;
}

template <class T>
void FeatureNetwork<T>::first_gradient(const Tile& tile, const Matrix<T>& d) {
  T* gradient = layers_.front().gradient.data();
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (Index o = 0; o < d.cols(); ++o) {
      grouped_[grouped_at(row, o, d.cols())] = d(row, o);
    }
  }
  const auto add = [&](const auto& products, const auto* features) {
    products.backward(features, tile.n_rows, tile.n_features, grouped_.data(), d.cols(), gradient, true);
  };
  if (shape_.element == Storage::UInt8) {
    add(kernels_->uint8, reinterpret_cast<const std::uint8_t*>(tile.features));
  } else {
    add(kernels_->float32, reinterpret_cast<const float*>(tile.features));
  }
}

template <class T>
void FeatureNetwork<T>::backward(const Tile& tile, Matrix<T>& d) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    Layer& layer = layers_[l];
    times_slope(layer.output, d);
    for (Index row = 0; row < d.rows(); ++row) {
      for (Index o = 0; o < d.cols(); ++o) {
        layer.bias_gradient[static_cast<std::size_t>(o)] += static_cast<Real>(d(row, o));
      }
    }
    if (l == 0) {
      first_gradient(tile, d);
    } else {
      layer.gradient.noalias() += d.transpose() * layers_[l - 1].output;
      const Matrix<T> below = d * layer.weight;
      d = below;
    }
  }
}

template <class T>
void FeatureNetwork<T>::collect(Real factor, OutSpan grad_x) {
  Real* to = grad_x.data();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    const Real scale = factor * (l == 0 ? feature_scale(shape_.element) : 1);
    for (Index o = 0; o < shape_.hidden[l]; ++o) {
      for (Index i = 0; i < shape_.n_inputs(l); ++i) {
        *to++ += scale * static_cast<Real>(layer.gradient(o, i));
      }
    }
    for (Real& sum : layer.bias_gradient) {
      *to++ += factor * sum;
      sum = 0;
    }
    layer.gradient.setZero();
  }
}

template class FeatureNetwork<float>;
template class FeatureNetwork<double>;

}  // namespace meha
