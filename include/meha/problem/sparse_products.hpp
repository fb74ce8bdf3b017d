// SPDX-License-Identifier: MIT
// Products of a linear classifier with sparse rows, whose weights stand as [feature][column].
#pragma once

#include <algorithm>

#include "meha/problem/layouts.hpp"

namespace meha {

/// Where a feature stands. @param places  nullptr: all features are there
inline Index place_of(std::uint32_t feature, const std::uint32_t* places) {
  return places == nullptr ? feature : places[feature];
}

/// As Products::forward, of sparse rows and b as [feature][column]. @param sums  scratch, (n_columns)
template <class T>
void sparse_forward(const Tile& tile, const std::uint32_t* places, const T* weights, const T* bias, Index n_columns,
                    T* sums, T* logits) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    std::copy_n(bias, n_columns, sums);
    for (const Entry& entry : tile.entries(row)) {
      const T value = static_cast<T>(entry.value);
      const T* weight = weights + place_of(entry.feature, places) * n_columns;
      for (Index column = 0; column < n_columns; ++column) {
        sums[column] += value * weight[column];
      }
    }
    for (Index column = 0; column < n_columns; ++column) {
      logits[grouped_at(row, column, n_columns)] = sums[column];
    }
  }
}

/// gradient[feature][column] += Σ_row features[row][feature]·residuals[row][column]. @param sums  scratch, (n_columns)
template <class T>
void sparse_backward(const Tile& tile, const std::uint32_t* places, const T* residuals, Index n_columns, T* sums,
                     T* gradient) {
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (Index column = 0; column < n_columns; ++column) {
      sums[column] = residuals[grouped_at(row, column, n_columns)];
    }
    for (const Entry& entry : tile.entries(row)) {
      const T value = static_cast<T>(entry.value);
      T* to = gradient + place_of(entry.feature, places) * n_columns;
      for (Index column = 0; column < n_columns; ++column) {
        to[column] += value * sums[column];
      }
    }
  }
}

}  // namespace meha
