// SPDX-License-Identifier: MIT
// Numbers in the layouts that the kernels read: panels of a matrix, and rows in groups.
#pragma once

#include <bit>

#include "meha/data/dataset.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

/// Lays out b(i, column), n × n_columns, in panels. @param widest  TileKernels::panel_columns
template <class T, class Value>
void fill_panels(Index n, Index n_columns, Index widest, Value&& value, T* panels) {
  const Index n_panels = count_panels(n_columns, widest);
  for (Index p = 0; p < n_panels; ++p) {
    const Panel panel = panel_of(n_columns, n_panels, p);
    for (Index i = 0; i < n; ++i) {
      for (Index column = panel.first; column < panel.first + panel.columns; ++column) {
        *panels++ = static_cast<T>(value(i, column));
      }
    }
  }
}

/// The nearest bfloat16, ties to even.
constexpr std::uint32_t bfloat16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return value == value ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : 0x7fc0;
}
constexpr BFloat16Pair pair_of(float first, float second) {
  return BFloat16Pair{bfloat16_bits(first) | bfloat16_bits(second) << 16};
}

/// Where number i of `row` stands among grouped rows of n numbers.
constexpr std::size_t grouped_at(Index row, Index i, Index n) {
  return static_cast<std::size_t>((row / group_rows * n + i) * group_rows + row % group_rows);
}

/// rows (n_rows × n_columns) ← columns [first, first + n_columns) of grouped rows of n numbers.
template <class T>
void copy_columns(const T* grouped, Index n, Index first, Index n_columns, OutSpan rows) {
  auto to = rows.begin();
  for (Index row = 0; to != rows.end(); ++row) {
    for (Index column = first; column < first + n_columns; ++column) {
      *to++ = static_cast<Real>(grouped[grouped_at(row, column, n)]);
    }
  }
}

/// The way back, with zeros in the rows past n_rows that fill the last group; sums[column] += Σ_row rows[row][column].
template <class T>
void set_columns(InSpan rows, Index n_rows, Index n, Index first, Index n_columns, T* grouped, Real* sums) {
  for (Index row = 0; row < padded(n_rows); ++row) {
    for (Index column = 0; column < n_columns; ++column) {
      const Real value = row < n_rows ? rows[static_cast<std::size_t>(row * n_columns + column)] : 0;
      grouped[grouped_at(row, first + column, n)] = static_cast<T>(value);
      sums[column] += value;
    }
  }
}

/// The largest of the first n_classes numbers of each row, grouped rows of n numbers; the first of equals.
template <class T>
void most_likely_class(const T* grouped, Index n, Index n_classes, std::span<Label> most_likely) {
  for (std::size_t row = 0; row < most_likely.size(); ++row) {
    Label best = 0;
    for (Label c = 1; c < n_classes; ++c) {
      const auto i = static_cast<Index>(row);
      best = grouped[grouped_at(i, c, n)] > grouped[grouped_at(i, best, n)] ? c : best;
    }
    most_likely[row] = best;
  }
}

}  // namespace meha
