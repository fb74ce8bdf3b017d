// SPDX-License-Identifier: MIT
// MlpClassifier: derivatives along directions of y, the R-operator at the head of mlp_classifier.hpp.
#include "meha/problem/logits_along.hpp"
#include "meha/problem/mlp_classifier.hpp"

#include <algorithm>
#include <utility>

namespace meha {
namespace {

/// φ'(z) for a = φ(z).
template <class T>
T slope(Activation activation, T a) {
  return activation == Activation::Relu      ? (a > 0 ? T(1) : T(0))
         : activation == Activation::Sigmoid ? a * (1 - a)
                                             : T(1);
}

/// φ''(z)/φ'(z) for a = φ(z).
template <class T>
T bend(Activation activation, T a) {
  return activation == Activation::Sigmoid ? 1 - 2 * a : T(0);
}

/// Adds each column's sum over all grouped rows; those past n_rows must be zero.
template <class T>
void add_sums(const std::vector<T>& values, Index n_rows, Index n, std::vector<Real>& sums) {
  for (Index row = 0; row < n_rows; ++row) {
    for (Index column = 0; column < n; ++column) {
      sums[static_cast<std::size_t>(column)] += static_cast<Real>(values[grouped_at(row, column, n)]);
    }
  }
}

}  // namespace

template <class Input>
void MlpClassifier<Input>::set_directions(std::span<const Along> directions, std::span<const Index> /*features*/) {
  point_of_direction_.clear();
  for (const Along& along : directions) {
    point_of_direction_.push_back(along.point);
    if (along_.size() < point_of_direction_.size()) {
      along_.push_back(make_point());
    }
    set_point(along.v, along_[point_of_direction_.size() - 1]);
  }
  for (std::vector<T>* scratch : {&delta_dot_, &previous_dot_, &term_}) {
    scratch->resize(delta_.size());
  }
}

template <class Input>
void MlpClassifier<Input>::forward_along(const Tile& tile, OutSpan slopes) {
  for (std::size_t d = 0; d < point_of_direction_.size(); ++d) {
    Point& point = points_[point_of_direction_[d]];
    propagate_along(tile, point, along_[d]);
    slopes_along(shape_, tile, LogitColumns<const T>{point.back().output.data(), shape_.n_classes, 0},
                 LogitColumns<const T>{along_[d].back().output.data(), shape_.n_classes, 0},
                 slopes.subspan(d * tile_rows, tile_rows));
  }
}

/// ȧ_l of all layers, ż_L of the last.
template <class Input>
void MlpClassifier<Input>::propagate_along(const Tile& tile, Point& point, Point& along) {
  products_.forward(tile, along.front().weight, along.front().bias.data(), layers_.front().n_out,
                    along.front().output.data());
  for (std::size_t l = 1; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const std::vector<T>& a = point[l - 1].output;
    std::vector<T>& a_dot = along[l - 1].output;
    const auto n_inputs = static_cast<std::size_t>(padded(tile.n_rows) * layer.n_in);
    for (std::size_t i = 0; i < n_inputs; ++i) {
      a_dot[i] *= slope(activation_, a[i]);
    }
    std::vector<T>& z_dot = along[l].output;
    products_.forward(a.data(), tile.n_rows, layer.n_in, along[l].weight, along[l].bias.data(), layer.n_out,
                      z_dot.data());
    products_.forward(a_dot.data(), tile.n_rows, layer.n_in, point[l].weight, zeros_.data(), layer.n_out, term_.data());
    for (std::size_t i = 0; i < static_cast<std::size_t>(padded(tile.n_rows) * layer.n_out); ++i) {
      z_dot[i] += term_[i];
    }
  }
}

template <class Input>
void MlpClassifier<Input>::backward_along(const Tile& tile, InSpan weights) {
  for (std::size_t d = 0; d < point_of_direction_.size(); ++d) {
    Point& point = points_[point_of_direction_[d]];
    Point& along = along_[d];
    const LogitColumns<const T> p{point.back().output.data(), shape_.n_classes, 0};
    const LogitColumns<T> delta{delta_.data(), shape_.n_classes, 0};
    for (Index row = 0; row < padded(tile.n_rows); ++row) {
      for (Index c = 0; c < shape_.n_classes; ++c) {
        const auto at = static_cast<std::size_t>(row);
        delta.at(row, c) =
            row < tile.n_rows ? static_cast<T>(weights[at]) * (p.at(row, c) - T(tile.labels[row] == c)) : T(0);
      }
    }
    std::copy_n(along.back().output.begin(), padded(tile.n_rows) * shape_.n_classes, delta_dot_.begin());
    weigh_along(shape_, tile, weights, p, LogitColumns<T>{delta_dot_.data(), shape_.n_classes, 0},
                along.back().bias_gradient.data());
    propagate_back_along(tile, point, along);
  }
}

/// From δ_L and δ̇_L.
template <class Input>
void MlpClassifier<Input>::propagate_back_along(const Tile& tile, Point& point, Point& along) {
  for (std::size_t l = layers_.size() - 1; l > 0; --l) {
    const Layer& layer = layers_[l];
    const std::vector<T>& a = point[l - 1].output;
    const std::vector<T>& a_dot = along[l - 1].output;
    const auto add_product = [&](const std::vector<T>& input, const std::vector<T>& delta) {
      products_.backward(input.data(), tile.n_rows, layer.n_in, delta.data(), layer.n_out, along[l].gradient.data(),
                         std::exchange(along[l].has_gradient, true));
    };
    add_product(a, delta_dot_);
    add_product(a_dot, delta_);
    const auto back = [&](const Panels& weight_t, const std::vector<T>& delta, std::vector<T>& out) {
      products_.forward(delta.data(), tile.n_rows, layer.n_out, weight_t, zeros_.data(), layer.n_in, out.data());
    };
    back(point[l].weight_t, delta_, previous_);
    back(along[l].weight_t, delta_, previous_dot_);
    back(point[l].weight_t, delta_dot_, term_);
    for (std::size_t i = 0; i < static_cast<std::size_t>(padded(tile.n_rows) * layer.n_in); ++i) {
      const T s = slope(activation_, a[i]);
      previous_dot_[i] = s * (previous_dot_[i] + term_[i]) + bend(activation_, a[i]) * a_dot[i] * previous_[i];
      previous_[i] *= s;
    }
    add_sums(previous_dot_, tile.n_rows, layer.n_in, along[l - 1].bias_gradient);
    std::swap(delta_, previous_);
    std::swap(delta_dot_, previous_dot_);
  }
  products_.backward(tile, delta_dot_.data(), layers_.front().n_out, along.front().gradient.data(),
                     std::exchange(along.front().has_gradient, true));
}

template void MlpClassifier<float>::set_directions(std::span<const Along>, std::span<const Index>);
template void MlpClassifier<double>::set_directions(std::span<const Along>, std::span<const Index>);
template void MlpClassifier<BFloat16>::set_directions(std::span<const Along>, std::span<const Index>);
template void MlpClassifier<Int16>::set_directions(std::span<const Along>, std::span<const Index>);
template void MlpClassifier<float>::forward_along(const Tile&, OutSpan);
template void MlpClassifier<double>::forward_along(const Tile&, OutSpan);
template void MlpClassifier<BFloat16>::forward_along(const Tile&, OutSpan);
template void MlpClassifier<Int16>::forward_along(const Tile&, OutSpan);
template void MlpClassifier<float>::backward_along(const Tile&, InSpan);
template void MlpClassifier<double>::backward_along(const Tile&, InSpan);
template void MlpClassifier<BFloat16>::backward_along(const Tile&, InSpan);
template void MlpClassifier<Int16>::backward_along(const Tile&, InSpan);

}  // namespace meha
