// SPDX-License-Identifier: MIT
#include "meha/problem/feature_network.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/random.hpp"

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
    : shape_(shape),
      kernels_(&linear_kernels<T>(simd)),
      layers_(shape.hidden.size()),
      scratch_(static_cast<std::size_t>(group_rows * shape.n_features * bytes_per(shape.element))) {
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
    const Real scale = l == 0 ? feature_scale(shape_.element) : 1;
    for (Index o = 0; o < shape_.hidden[l]; ++o) {
      for (Index i = 0; i < shape_.n_inputs(l); ++i) {
        (l == 0 ? layer.weight(i, o) : layer.weight(o, i)) = static_cast<T>(*from++ * scale);
      }
    }
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
void FeatureNetwork<T>::first_layer(const Tile& tile) {
  Layer& layer = layers_.front();
  const Index n_out = shape_.hidden.front();
  logits_.resize(static_cast<std::size_t>(padded(tile.n_rows) * n_out));
  if (shape_.element == Element::UInt8) {
    kernels_->forward_uint8(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features,
                            layer.weight.data(), layer.bias.data(), n_out,
                            reinterpret_cast<std::uint8_t*>(scratch_.data()), logits_.data());
  } else {
    kernels_->forward_float32(reinterpret_cast<const float*>(tile.features), tile.n_rows, tile.n_features,
                              layer.weight.data(), layer.bias.data(), n_out, reinterpret_cast<float*>(scratch_.data()),
                              logits_.data());
  }
  layer.output.resize(tile.n_rows, n_out);
  for (Index row = 0; row < tile.n_rows; ++row) {
    const T* group = logits_.data() + row / group_rows * group_rows * n_out + row % group_rows;
    for (Index o = 0; o < n_out; ++o) {
      layer.output(row, o) = group[o * group_rows];
    }
  }
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
  if (shape_.element == Element::UInt8) {
    kernels_->backward_uint8(reinterpret_cast<const std::uint8_t*>(tile.features), tile.n_rows, tile.n_features,
                             d.data(), d.cols(), gradient);
  } else {
    kernels_->backward_float32(reinterpret_cast<const float*>(tile.features), tile.n_rows, tile.n_features, d.data(),
                               d.cols(), gradient);
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
