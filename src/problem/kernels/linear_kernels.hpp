// SPDX-License-Identifier: MIT
// The linear softmax kernels, written once for any instruction set. Both directions are ONE skinny product
//   out[lane][column] = Σ_i a[i][lane] · b[i][column]
// with the lanes in vector registers: forward, lanes are 16 rows (of a transposed group) and i runs over features;
// backward, lanes are 16 features and i runs over the rows of the tile. Every output is one chain over i, so widths of
// registers do not change bits.
//
// An instruction set is a type Isa, local to the including file, with for T = float, double
//   Isa::Vector<T>  a vector of Isa::width<T> lanes        Isa::registers<T>  vectors side by side in the product
//   Isa::columns<T> accumulator columns that fit            Isa::load(T{}, pointer)  the next lanes, converted to T
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <emmintrin.h>
#include <utility>

#include "meha/problem/kernels/kernels.hpp"

namespace meha::kernels {

using Size = std::int64_t;

template <class Isa, class T>
struct LinearSoftmax {
  using Vector = typename Isa::template Vector<T>;
  static constexpr Size width = Isa::template width<T>;
  static constexpr Size registers = Isa::template registers<T>;
  static constexpr Size lanes = width * registers;
  static constexpr Size max_columns = Isa::template columns<T>;
  static_assert(group_rows % lanes == 0);

  /// out[column·out_stride + lane] = start + Σ_i a[i·a_stride + lane]·b[i·b_stride + column], for `columns` columns.
  template <class E, Size columns>
  static void product(const E* a, Size a_stride, const T* b, Size b_stride, Size n, const T* start, T* out,
                      Size out_stride) {
    Vector sum[columns][registers];
#pragma GCC unroll 32
    for (Size c = 0; c < columns; ++c) {
      for (Size r = 0; r < registers; ++r) {
        T* to = out + c * out_stride + r * width;
        if (start != nullptr) {
          sum[c][r] = Vector{} + start[c];
        } else {
          std::memcpy(&sum[c][r], to, sizeof(Vector));
        }
      }
    }
    for (Size i = 0; i < n; ++i) {
      Vector lane[registers];
#pragma GCC unroll 4
      for (Size r = 0; r < registers; ++r) {
        lane[r] = Isa::load(T{}, a + i * a_stride + r * width);
      }
#pragma GCC unroll 32
      for (Size c = 0; c < columns; ++c) {
        const T factor = b[i * b_stride + c];
#pragma GCC unroll 4
        for (Size r = 0; r < registers; ++r) {
          sum[c][r] += lane[r] * factor;
        }
      }
    }
#pragma GCC unroll 32
    for (Size c = 0; c < columns; ++c) {
      for (Size r = 0; r < registers; ++r) {
        std::memcpy(out + c * out_stride + r * width, &sum[c][r], sizeof(Vector));
      }
    }
  }

  template <class E>
  using Product = void (*)(const E*, Size, const T*, Size, Size, const T*, T*, Size);

  template <class E, std::size_t... c>
  static constexpr std::array<Product<E>, sizeof...(c)> table(std::index_sequence<c...>) {
    return {&product<E, static_cast<Size>(c) + 1>...};
  }

  /// The product for any number of columns, in portions that fill the registers evenly.
  template <class E>
  static void product_any(const E* a, Size a_stride, const T* b, Size n_columns, Size n, const T* start, T* out,
                          Size out_stride) {
    static constexpr auto products = table<E>(std::make_index_sequence<static_cast<std::size_t>(max_columns)>{});
    const Size n_portions = (n_columns + max_columns - 1) / max_columns;
    for (Size portion = 0; portion < n_portions; ++portion) {
      const Size first = n_columns * portion / n_portions;
      const Size columns = n_columns * (portion + 1) / n_portions - first;
      products[static_cast<std::size_t>(columns - 1)](a, a_stride, b + first, n_columns, n,
                                                      start != nullptr ? start + first : nullptr,
                                                      out + first * out_stride, out_stride);
    }
  }

  /// columns[f][row] = rows[row][f] for 16 × 16 bytes.
  static void transpose_bytes(const std::uint8_t* const* rows, Size feature, std::uint8_t* columns) {
    __m128i v[16];
    __m128i w[16];
    for (int i = 0; i < 16; ++i) {
      v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i] + feature));
    }
    for (int stage = 0; stage < 4; ++stage) {  // each stage interleaves rows i and i + 8
      for (int i = 0; i < 8; ++i) {
        w[2 * i] = _mm_unpacklo_epi8(v[i], v[i + 8]);
        w[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + 8]);
      }
      std::memcpy(v, w, sizeof v);
    }
    for (int i = 0; i < 16; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(columns + i * group_rows), v[i]);
    }
  }

  static void transpose(const std::uint8_t* const* rows, Size n_features, std::uint8_t* columns) {
    Size feature = 0;
    for (; feature + group_rows <= n_features; feature += group_rows) {
      transpose_bytes(rows, feature, columns + feature * group_rows);
    }
    transpose_rest(rows, feature, n_features, columns);
  }

  static void transpose(const float* const* rows, Size n_features, float* columns) {
    transpose_rest(rows, 0, n_features, columns);
  }

  template <class E>
  static void transpose_rest(const E* const* rows, Size first, Size n_features, E* columns) {
    for (Size feature = first; feature < n_features; ++feature) {
      for (Size row = 0; row < group_rows; ++row) {
        columns[feature * group_rows + row] = rows[row][feature];
      }
    }
  }

  template <class E>
  static void forward(const E* features, Size n_rows, Size n_features, const T* weights, const T* bias, Size n_columns,
                      E* scratch, T* logits) {
    for (Size first = 0; first < n_rows; first += group_rows) {
      const E* rows[group_rows];
      for (Size i = 0; i < group_rows; ++i) {
        rows[i] = features + (first + i < n_rows ? first + i : n_rows - 1) * n_features;
      }
      transpose(rows, n_features, scratch);
      for (Size lane = 0; lane < group_rows; lane += lanes) {
        product_any(scratch + lane, group_rows, weights, n_columns, n_features, bias, logits + lane, group_rows);
      }
      logits += n_columns * group_rows;
    }
  }

  template <class E>
  static void backward(const E* features, Size n_rows, Size n_features, const T* residuals, Size n_columns,
                       T* gradient) {
    for (Size feature = 0; feature < n_features; feature += lanes) {
      product_any(features + feature, n_features, residuals, n_columns, n_rows, static_cast<const T*>(nullptr),
                  gradient + feature, padded(n_features));
    }
  }

  /// e^v for v ≤ 0, to about one unit in the last place; below the range of T it returns its smallest normal number.
  static Vector exp(Vector v) {
    using Bits = typename Isa::template Bits<T>;
    constexpr bool single = sizeof(T) == 4;
    constexpr T lowest = single ? T(-87.0) : T(-708.0);
    constexpr T round = single ? T(0x1.8p23) : T(0x1.8p52);
    constexpr T log2_e = T(1.4426950408889634074);
    constexpr T ln2_high = single ? T(0x1.62ep-1) : T(0x1.62e42feep-1);
    constexpr T ln2_low = single ? T(0x1.0bfbe8p-15) : T(0x1.a39ef35793c76p-33);
    constexpr int degree = single ? 7 : 13;
    constexpr int mantissa_bits = single ? 23 : 52;
    v = v < lowest ? Vector{} + lowest : v;
    const Vector shifted = v * log2_e + round;
    const Vector whole = shifted - round;
    const Vector rest = (v - whole * ln2_high) - whole * ln2_low;
    T inverse_factorial[degree + 1] = {T(1)};
    double factorial = 1;
    for (int i = 1; i <= degree; ++i) {
      factorial *= i;
      inverse_factorial[i] = T(1 / factorial);
    }
    Vector series = Vector{} + inverse_factorial[degree];
#pragma GCC unroll 16
    for (int i = degree - 1; i >= 0; --i) {
      series = series * rest + inverse_factorial[i];
    }
    Bits exponent;
    Bits result;
    std::memcpy(&exponent, &shifted, sizeof exponent);
    std::memcpy(&result, &series, sizeof result);
    result += exponent << mantissa_bits;
    std::memcpy(&series, &result, sizeof result);
    return series;
  }

  static void softmax(const T* logits, const std::int32_t* labels, Size n_rows, Size n_points, Size n_classes,
                      T* probabilities, double* losses, Size stride) {
    const Size n_columns = n_points * n_classes;
    for (Size first = 0; first < n_rows; first += group_rows) {
      const Size n_here = n_rows - first < group_rows ? n_rows - first : group_rows;
      for (Size point = 0; point < n_points; ++point) {
        const T* z = logits + point * n_classes * group_rows;
        T largest[group_rows];
        T total[group_rows];
        for (Size lane = 0; lane < group_rows; lane += width) {
          softmax_lanes(z + lane, n_classes, probabilities + (first + lane) * n_columns + point * n_classes, n_columns,
                        largest + lane, total + lane);
        }
        for (Size row = 0; row < n_here; ++row) {
          const double given = z[labels[first + row] * group_rows + row];
          losses[point * stride + first + row] =
              std::log(static_cast<double>(total[row])) + (static_cast<double>(largest[row]) - given);
        }
      }
      logits += n_columns * group_rows;
    }
  }

  /// Softmax of `width` rows; their probabilities go to consecutive rows of `out`.
  static void softmax_lanes(const T* z, Size n_classes, T* out, Size out_stride, T* largest, T* total) {
    Vector top;
    std::memcpy(&top, z, sizeof top);
    for (Size c = 1; c < n_classes; ++c) {
      Vector next;
      std::memcpy(&next, z + c * group_rows, sizeof next);
      top = next > top ? next : top;
    }
    Vector sum{};
    for (Size c = 0; c < n_classes; ++c) {
      Vector power;
      std::memcpy(&power, z + c * group_rows, sizeof power);
      power = exp(power - top);
      sum += power;
      for (Size row = 0; row < width; ++row) {
        out[row * out_stride + c] = power[row];
      }
    }
    const Vector inverse = T(1) / sum;
    for (Size row = 0; row < width; ++row) {
      for (Size c = 0; c < n_classes; ++c) {
        out[row * out_stride + c] *= inverse[row];
      }
    }
    std::memcpy(largest, &top, sizeof top);
    std::memcpy(total, &sum, sizeof sum);
  }

  static constexpr LinearKernels<T> all = {&forward<std::uint8_t>, &forward<float>, &softmax, &backward<std::uint8_t>,
                                           &backward<float>};
};

}  // namespace meha::kernels
