// SPDX-License-Identifier: MIT
// Derivatives of a tile's losses along a direction v of y, from the derivatives ż of the logits:
//   cross-entropy  ⟨∇ℓ, v⟩ = Σ_c r_c ż_c,  r = p − e_label;   derivative of r: ṗ = p ⊙ (ż − pᵀż),  p = softmax(z)
//   squares        ⟨∇ℓ, v⟩ = r·ż,  r = z − t;                 derivative of r: ż
#pragma once

#include "meha/problem/classifier.hpp"
#include "meha/problem/layouts.hpp"

namespace meha {

/// Numbers of one point or direction among grouped rows of n numbers: n_classes of them, from `first` on.
template <class T>
struct LogitColumns {
  T* grouped;
  Index n, first;
  [[nodiscard]] T& at(Index row, Index c) const { return grouped[grouped_at(row, first + c, n)]; }
};

/// slopes[row] = ⟨∇ℓ_row, v⟩. @param p  probabilities, or z − t     @param z_dot  ż
template <class T>
void slopes_along(const ClassifierShape& shape, const Tile& tile, LogitColumns<const T> p, LogitColumns<const T> z_dot,
                  OutSpan slopes) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    Real slope = 0;
    for (Index c = 0; c < shape.n_classes; ++c) {
      const bool given = shape.loss == Loss::CrossEntropy && tile.labels[row] == c;
      slope += (static_cast<Real>(p.at(row, c)) - (given ? 1 : 0)) * static_cast<Real>(z_dot.at(row, c));
    }
    slopes[static_cast<std::size_t>(row)] = slope;
  }
}

/// ż ← weights[row]·(derivative of r), with zeros in the rows that fill the last group; sums[c] += Σ_row of it.
template <class T>
void weigh_along(const ClassifierShape& shape, const Tile& tile, InSpan weights, LogitColumns<const T> p,
                 LogitColumns<T> z_dot, Real* sums) {
  for (Index row = 0; row < padded(tile.n_rows); ++row) {
    const T weight = row < tile.n_rows ? static_cast<T>(weights[static_cast<std::size_t>(row)]) : T(0);
    T mean = 0;
    for (Index c = 0; c < shape.n_classes && shape.loss == Loss::CrossEntropy; ++c) {
      mean += p.at(row, c) * z_dot.at(row, c);
    }
    for (Index c = 0; c < shape.n_classes; ++c) {
      T& value = z_dot.at(row, c);
      const T slope = shape.loss == Loss::CrossEntropy ? p.at(row, c) * (value - mean) : value;
      value = row < tile.n_rows ? weight * slope : T(0);
      sums[c] += static_cast<Real>(value);
    }
  }
}

}  // namespace meha
