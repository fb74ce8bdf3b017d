// SPDX-License-Identifier: MIT
// LinearClassifier: derivatives along directions of y, which are the points of a second classifier.
#include "meha/problem/linear_classifier.hpp"
#include "meha/problem/logits_along.hpp"

namespace meha {

template <class Input>
void LinearClassifier<Input>::set_directions(std::span<const Along> directions, std::span<const Index> features) {
  if (!along_) {
    along_ = std::make_unique<LinearClassifier>(shape_, simd_);
  }
  std::vector<InSpan> v;
  point_of_direction_.clear();
  for (const Along& along : directions) {
    v.push_back(along.v);
    point_of_direction_.push_back(along.point);
  }
  along_->set_points(v, features);
}

template <class Input>
void LinearClassifier<Input>::forward_along(const Tile& tile, OutSpan slopes) {
  along_->logits(tile);
  for (std::size_t d = 0; d < point_of_direction_.size(); ++d) {
    const auto columns = [&](const LinearClassifier& of, std::size_t which) {
      return LogitColumns<const T>{of.values_.data(), of.n_columns_, static_cast<Index>(which) * shape_.n_classes};
    };
    slopes_along(shape_, tile, columns(*this, point_of_direction_[d]), columns(*along_, d),
                 slopes.subspan(d * tile_rows, tile_rows));
  }
}

template <class Input>
void LinearClassifier<Input>::backward_along(const Tile& tile, InSpan weights) {
  for (std::size_t d = 0; d < point_of_direction_.size(); ++d) {
    const Index first = static_cast<Index>(d) * shape_.n_classes;
    const Index first_of_point = static_cast<Index>(point_of_direction_[d]) * shape_.n_classes;
    weigh_along(shape_, tile, weights, LogitColumns<const T>{values_.data(), n_columns_, first_of_point},
                LogitColumns<T>{along_->values_.data(), along_->n_columns_, first},
                along_->bias_gradient_.data() + first);
  }
  along_->backward(tile);
}

template void LinearClassifier<float>::set_directions(std::span<const Along>, std::span<const Index>);
template void LinearClassifier<double>::set_directions(std::span<const Along>, std::span<const Index>);
template void LinearClassifier<BFloat16>::set_directions(std::span<const Along>, std::span<const Index>);
template void LinearClassifier<Int16>::set_directions(std::span<const Along>, std::span<const Index>);
template void LinearClassifier<float>::forward_along(const Tile&, OutSpan);
template void LinearClassifier<double>::forward_along(const Tile&, OutSpan);
template void LinearClassifier<BFloat16>::forward_along(const Tile&, OutSpan);
template void LinearClassifier<Int16>::forward_along(const Tile&, OutSpan);
template void LinearClassifier<float>::backward_along(const Tile&, InSpan);
template void LinearClassifier<double>::backward_along(const Tile&, InSpan);
template void LinearClassifier<BFloat16>::backward_along(const Tile&, InSpan);
template void LinearClassifier<Int16>::backward_along(const Tile&, InSpan);

}  // namespace meha
