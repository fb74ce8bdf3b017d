// SPDX-License-Identifier: MIT
// The tile kernels, written once for any instruction set (see skinny_product.hpp): products with the numbers of a tile's
// rows, and softmax with cross-entropy.
#pragma once

#include <cmath>

#include "grouping.hpp"

namespace meha::kernels {

template <class Isa, class T>
struct Kernels : Grouping<Isa, T> {
  using Base = Grouping<Isa, T>;
  using Base::load;
  using Base::panel_columns;
  using Base::store;
  using Base::width;
  using typename Base::Bits;
  using typename Base::Vector;

  template <class E>
  static void forward(const E* grouped, Size n_rows, Size n_features, const T* panels, const T* bias, Size n_columns,
                      T* out, const E* next) {
    Base::template product_of<E, false>(grouped, group_rows, n_features * group_rows, panels, n_features, bias, out,
                                        group_rows, n_columns * group_rows, n_columns, padded(n_rows), next);
  }

  template <class E>
  static void backward(const E* features, Size n_rows, Size n_features, const T* residuals, Size n_columns, T* gradient,
                       bool adds) {
    Base::template product_of<E, true>(features, n_features, group_rows, residuals, n_rows, adds ? gradient : nullptr,
                                       gradient, padded(n_features), group_rows, n_columns, padded(n_features),
                                       features);
  }

  static constexpr bool single = sizeof(T) == 4;
  static constexpr int mantissa_bits = single ? 23 : 52;
  static constexpr T ln2_high = single ? T(0x1.62ep-1) : T(0x1.62e42feep-1);
  static constexpr T ln2_low = single ? T(0x1.0bfbe8p-15) : T(0x1.a39ef35793c76p-33);

  /// e^v for v ≤ 0, to about one unit in the last place; below the range of T it returns its smallest normal number.
  static Vector exp(Vector v) {
    constexpr T lowest = single ? T(-87.0) : T(-708.0);
    constexpr T round = single ? T(0x1.8p23) : T(0x1.8p52);
    constexpr T log2_e = T(1.4426950408889634074);
    constexpr int degree = single ? 7 : 13;
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
    return reinterpret_cast<Vector>(reinterpret_cast<Bits>(series) +
                                    (reinterpret_cast<Bits>(shifted) << mantissa_bits));
  }

  /// ln v for normal v ≥ 1, to about one unit in the last place:  v = 2^e·m, m ∈ [√½, √2);  s = (m − 1)/(m + 1);
  /// ln m = 2·artanh s = 2·(s + s³/3 + s⁵/5 + …). What is not a number stays so.
  static Vector log(Vector v) {
    using Integer = std::conditional_t<single, std::int32_t, std::int64_t>;
    constexpr int n_terms = single ? 5 : 11;
    constexpr Integer half_root = single ? Integer{0x3f3504f3} : static_cast<Integer>(0x3fe6a09e667f3bcd);  // √½
    const Bits bits = reinterpret_cast<Bits>(v);
    const Bits exponent = (bits - half_root) >> mantissa_bits;
    const Vector m = reinterpret_cast<Vector>(bits - (exponent << mantissa_bits));
    const Vector e = __builtin_convertvector(exponent, Vector);
    const Vector s = (m - T(1)) / (m + T(1));
    const Vector square = s * s;
    Vector series = Vector{} + T(2.0 / (2 * n_terms + 1));
#pragma GCC unroll 16
    for (int i = n_terms - 1; i > 0; --i) {
      series = series * square + T(2.0 / (2 * i + 1));
    }
    const Vector fraction = T(2) * s + series * square * s;
    const Vector result = e * ln2_high + (fraction + e * ln2_low);
    return v == v ? result : v;
  }

  /// 1/(1 + e^−x), without overflow: e^−|x| ≤ 1.
  static Vector sigmoid_of(Vector x) {
    const Vector v = x < T(0) ? x : -x;
    const Vector power = v < (single ? T(-87.0) : T(-708.0)) ? Vector{} : exp(v);
    return (x < T(0) ? power : Vector{} + T(1)) / (T(1) + power);
  }
  static void sigmoid(const T* x, Size n, T* s) {
    Size i = 0;
    for (; i + width <= n; i += width) {
      store(s + i, sigmoid_of(load(x + i)));
    }
    T rest[width] = {};
    std::memcpy(rest, x + i, static_cast<std::size_t>(n - i) * sizeof(T));
    store(rest, sigmoid_of(load(rest)));
    std::memcpy(s + i, rest, static_cast<std::size_t>(n - i) * sizeof(T));
  }

  static void softmax(T* logits, const std::int32_t* labels, Size n_rows, Size n_points, Size n_classes, double* losses,
                      Size stride) {
    for (Size first = 0; first < n_rows; first += group_rows) {
      const Size n_here = n_rows - first < group_rows ? n_rows - first : group_rows;
      for (Size point = 0; point < n_points; ++point) {
        T given[group_rows];
        T largest[group_rows];
        T log_sum[group_rows];
        for (Size row = 0; row < n_here; ++row) {
          given[row] = logits[labels[first + row] * group_rows + row];
        }
        for (Size lane = 0; lane < group_rows; lane += width) {
          softmax_lanes(logits + lane, n_classes, largest + lane, log_sum + lane);
        }
        for (Size row = 0; row < n_here; ++row) {
          losses[point * stride + first + row] =
              static_cast<double>(log_sum[row]) + (static_cast<double>(largest[row]) - static_cast<double>(given[row]));
        }
        logits += n_classes * group_rows;
      }
    }
  }

  /// z ← softmax(z) of `width` rows. @param log_sum  ln Σ_c e^{z_c − largest}
  static void softmax_lanes(T* z, Size n_classes, T* largest, T* log_sum) {
    Vector top = load(z);
    for (Size c = 1; c < n_classes; ++c) {
      const Vector next = load(z + c * group_rows);
      top = next > top ? next : top;
    }
    Vector sum{};
    for (Size c = 0; c < n_classes; ++c) {
      const Vector power = exp(load(z + c * group_rows) - top);
      sum += power;
      store(z + c * group_rows, power);
    }
    const Vector inverse = T(1) / sum;
    for (Size c = 0; c < n_classes; ++c) {
      store(z + c * group_rows, load(z + c * group_rows) * inverse);
    }
    store(largest, top);
    store(log_sum, log(sum));
  }

  static void residuals(T* values, const std::int32_t* labels, const T* weights, Size n_rows, Size n_points,
                        Size n_columns, double* sums) {
    const Size n_all = n_points * n_columns;
    for (Size row = 0; labels != nullptr && row < n_rows; ++row) {
      for (Size point = 0; point < n_points; ++point) {
        values[(row / group_rows * n_all + point * n_columns + labels[row]) * group_rows + row % group_rows] -= T(1);
      }
    }
    for (Size c = 0; c < n_all; ++c) {
      Vector sum[group_rows / width] = {};
      for (Size first = 0; first < n_rows; first += group_rows) {
        T* v = values + (first * n_all + c * group_rows);
        for (Size r = 0; r < group_rows / width; ++r) {
          const Vector residual = load(v + r * width) * load(weights + first + r * width);
          store(v + r * width, residual);
          sum[r] += residual;
        }
      }
      T lanes[group_rows];
      std::memcpy(lanes, sum, sizeof lanes);
      for (const T lane : lanes) {
        sums[c] += static_cast<double>(lane);
      }
    }
  }

  template <class E>
  static constexpr Products<T, E> products = {&Base::template group<E>, &forward<E>, &backward<E>};

  static constexpr TileKernels<T> all = {
      panel_columns, products<std::uint8_t>, products<float>, products<T>, &Base::ungroup, &softmax, &residuals,
      &sigmoid};
};

}  // namespace meha::kernels
