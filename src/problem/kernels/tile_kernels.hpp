// SPDX-License-Identifier: MIT
// Long, because each instruction set compiles all kernels as one class, whose parts inline each other.
// The tile kernels, written once for any instruction set. All products are ONE skinny product
//   out[lane][column] = Σ_i a[i][lane] · b[i][column]
// with the lanes in vector registers: forward, lanes are rows (of grouped numbers) and i runs over features; backward,
// lanes are features and i runs over the rows of the tile. Every output is one chain over i, so neither widths of
// registers nor how many outputs are worked on side by side changes bits.
//
// An instruction set is a type Isa, local to the including file, with
//   Isa::bytes          of a vector register      Isa::accumulators   registers that hold sums
//   Isa::registers<T>   side by side, at least    Isa::panel_columns  at most
//   Isa::load(T{}, pointer)  the next lanes, converted to T = float, double from std::uint8_t, float, double
// A "factor" is a number of b, of type T, or two that are multiplied in one step, where Isa has
//   Isa::multiply_add(sum, lanes, factor)
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <utility>

#include "meha/problem/kernels/kernels.hpp"

namespace meha::kernels {

using Size = std::int64_t;

template <class T, int bytes>
struct VectorOf {
  using type [[gnu::vector_size(bytes)]] = T;
};

template <class Isa, class T>
struct Kernels {
  template <class E>
  using VectorIn = typename VectorOf<E, Isa::bytes>::type;
  using Vector = VectorIn<T>;
  using Bits = VectorIn<std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>;
  static constexpr Size width = Isa::bytes / static_cast<Size>(sizeof(T));
  static constexpr Size fewest_registers = Isa::template registers<T>;
  static constexpr Size panel_columns = Isa::panel_columns;
  static_assert(group_rows % (fewest_registers * width) == 0 && panel_columns * fewest_registers <= Isa::accumulators);

  static Vector load(const T* from) {
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  static void store(T* to, Vector v) { std::memcpy(to, &v, sizeof v); }

  // ---- the product

  /// Where lane `lane` stands in an array of groups of 16 lanes.
  static constexpr Size at(Size lane, Size group_stride) {
    return lane / group_rows * group_stride + lane % group_rows;
  }

  /// Factors of one column of b that stand side by side in a group.
  template <class F>
  static constexpr Size group_factors = std::same_as<F, T> ? group_rows : group_rows / 2;

  /// out(lane, column) = start[column] + Σ_i a(i, lane)·b(i, column) for `columns` columns and `registers` vectors of
  /// lanes. Forward: b is a panel, and as many bytes as a has here are prefetched from `next`. Backward: b is grouped
  /// over i, columns a group apart, and the sums begin with what is in out, or with 0 where start is null.
  template <class E, class F, bool backward, Size columns, Size registers>
  static void product(const E* a, Size a_step, Size a_group, const F* b, Size b_group, Size n, const T* start, T* out,
                      Size out_column, Size out_group, const E* next) {
    Vector sum[columns][registers];
#pragma GCC unroll 32
    for (Size c = 0; c < columns; ++c) {
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        sum[c][r] = !backward          ? Vector{} + start[c]
                    : start != nullptr ? load(out + c * out_column + at(r * width, out_group))
                                       : Vector{};
      }
    }
    if constexpr (backward) {  // what comes next of sums that fill more than one cache
#pragma GCC unroll 32
      for (Size c = 0; c < columns; ++c) {
        for (Size r = 0; r < registers; ++r) {
          __builtin_prefetch(out + c * out_column + at((registers + r) * width, out_group), 1, 3);
        }
      }
    }
    const auto add = [&](Size i, const F* factors) __attribute__((always_inline)) {
      Vector lane[registers];
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        lane[r] = Isa::load(T{}, a + i * a_step + at(r * width, a_group));
      }
#pragma GCC unroll 32
      for (Size c = 0; c < columns; ++c) {
        const F factor = factors[c * (backward ? group_factors<F> : 1)];
#pragma GCC unroll 8
        for (Size r = 0; r < registers; ++r) {
          if constexpr (std::same_as<F, T>) {
            sum[c][r] += lane[r] * factor;
          } else {
            sum[c][r] = Isa::multiply_add(sum[c][r], lane[r], factor);
          }
        }
      }
    };
    if constexpr (backward) {
      for (Size first = 0; first < n; first += group_factors<F>, b += b_group) {
        const Size n_here = n - first < group_factors<F> ? n - first : group_factors<F>;
        for (Size i = 0; i < n_here; ++i) {
          add(first + i, b + i);
        }
      }
    } else {
      for (Size i = 0; i < n; ++i) {
        for (Size lane = 0; lane < registers * width; lane += group_rows) {
          __builtin_prefetch(next + i * a_step + at(lane, a_group), 0, 2);
        }
        add(i, b + i * columns);
      }
    }
#pragma GCC unroll 32
    for (Size c = 0; c < columns; ++c) {
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        store(out + c * out_column + at(r * width, out_group), sum[c][r]);
      }
    }
  }

  template <class E, class F>
  using Product = void (*)(const E*, Size, Size, const F*, Size, Size, const T*, T*, Size, Size, const E*);

  /// Registers side by side that keep all accumulators busy with this many columns.
  static constexpr Size registers_for(Size columns) {
    Size registers = fewest_registers;
    while (registers < 4 * fewest_registers && 2 * registers * columns <= Isa::accumulators) {
      registers *= 2;
    }
    return registers;
  }

  template <class E, class F, bool backward, bool wide, std::size_t... c>
  static constexpr std::array<Product<E, F>, sizeof...(c)> table(std::index_sequence<c...>) {
    return {&product < E, F, backward, Size{c} + 1, wide ? registers_for(Size{c} + 1) : fewest_registers > ...};
  }

  /// The product for any number of columns and lanes, panel by panel.
  template <class E, bool backward, class F>
  static void product_of(const E* a, Size a_step, Size a_group, const F* b, Size n, const T* start, T* out,
                         Size out_column, Size out_group, Size n_columns, Size n_lanes, const E* next) {
    constexpr auto sequence = std::make_index_sequence<static_cast<std::size_t>(panel_columns)>{};
    static constexpr auto wide = table<E, F, backward, true>(sequence);
    static constexpr auto narrow = table<E, F, backward, false>(sequence);
    const Size n_panels = count_panels(n_columns, panel_columns);
    for (Size p = 0; p < n_panels; ++p) {
      const Panel panel = panel_of(n_columns, n_panels, p);
      const auto which = static_cast<std::size_t>(panel.columns - 1);
      const F* factors = b + panel.first * (backward ? group_factors<F> : n);
      const T* first = start != nullptr ? start + panel.first : nullptr;
      const Size lanes = registers_for(panel.columns) * width;
      for (Size lane = 0; lane < n_lanes;) {
        const bool fits = lane + lanes <= n_lanes;
        (fits ? wide : narrow)[which](a + at(lane, a_group), a_step, a_group, factors, n_columns * group_factors<F>, n,
                                      first, out + panel.first * out_column + at(lane, out_group), out_column,
                                      out_group, next + at(lane, a_group));
        lane += fits ? lanes : fewest_registers * width;
      }
    }
  }

  template <class E>
  static void forward(const E* grouped, Size n_rows, Size n_features, const T* panels, const T* bias, Size n_columns,
                      T* out, const E* next) {
    product_of<E, false>(grouped, group_rows, n_features * group_rows, panels, n_features, bias, out, group_rows,
                         n_columns * group_rows, n_columns, padded(n_rows), next);
  }

  template <class E>
  static void backward(const E* features, Size n_rows, Size n_features, const T* residuals, Size n_columns, T* gradient,
                       bool adds) {
    product_of<E, true>(features, n_features, group_rows, residuals, n_rows, adds ? gradient : nullptr, gradient,
                        padded(n_features), group_rows, n_columns, padded(n_features), features);
  }

  // ---- between rows and groups

  /// Interleaves the low or high halves of each 16 bytes of a and b, in units U.
  template <class U, bool high, class V, std::size_t... k>
  static V interleave(V a, V b, std::index_sequence<k...>) {
    using Units = typename VectorOf<U, sizeof(V)>::type;
    constexpr std::size_t per_part = 16 / sizeof(U);
    const auto from = [](std::size_t place) {
      const std::size_t source = place / per_part * per_part + (high ? per_part / 2 : 0) + place % per_part / 2;
      return source + (place % 2 == 1 ? sizeof(V) / sizeof(U) : 0);
    };
    return reinterpret_cast<V>(
        __builtin_shufflevector(reinterpret_cast<Units>(a), reinterpret_cast<Units>(b), static_cast<int>(from(k))...));
  }
  template <class U, bool high, class V>
  static V interleave(V a, V b) {
    return interleave<U, high>(a, b, std::make_index_sequence<sizeof(V) / sizeof(U)>{});
  }

  using Part = VectorOf<std::uint8_t, 16>::type;
  template <std::size_t part, class V, std::size_t... k>
  static Part part_of(V v, std::index_sequence<k...>) {
    const auto bytes = reinterpret_cast<typename VectorOf<std::uint8_t, sizeof(V)>::type>(v);
    return __builtin_shufflevector(bytes, bytes, static_cast<int>(16 * part + k)...);
  }
  /// Calls see(part, its 16 bytes) for each 16 bytes of v.
  template <class V, class See, std::size_t... part>
  static void for_each_part(V v, See&& see, std::index_sequence<part...>) {
    (see(static_cast<Size>(part), part_of<part>(v, std::make_index_sequence<16>{})), ...);
  }
  template <class V, class See>
  static void for_each_part(V v, See&& see) {
    for_each_part(v, see, std::make_index_sequence<sizeof(V) / 16>{});
  }

  /// Transposes 4 rows of floats in 16-byte parts: see(row in part, part, the 4 floats of that column).
  template <class See>
  static void transpose_4(const VectorIn<float> (&v)[4], See&& see) {
    const auto low_01 = interleave<float, false>(v[0], v[1]);
    const auto high_01 = interleave<float, true>(v[0], v[1]);
    const auto low_23 = interleave<float, false>(v[2], v[3]);
    const auto high_23 = interleave<float, true>(v[2], v[3]);
    const VectorIn<float> columns[4] = {
        interleave<double, false>(low_01, low_23), interleave<double, true>(low_01, low_23),
        interleave<double, false>(high_01, high_23), interleave<double, true>(high_01, high_23)};
#pragma GCC unroll 4
    for (Size j = 0; j < 4; ++j) {
      for_each_part(columns[j], [&](Size part, Part four) { see(4 * part + j, four); });
    }
  }

  /// grouped[f][row] = rows[row][f] for `size` features of 16 rows.
  template <int size>
  static void group_bytes(const std::uint8_t* const* rows, Size feature, std::uint8_t* grouped) {
    using Bytes = typename VectorOf<std::uint8_t, size>::type;
    Bytes v[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      std::memcpy(&v[i], rows[i] + feature, sizeof v[i]);
    }
#pragma GCC unroll 4
    for (int stage = 0; stage < 4; ++stage) {  // each stage interleaves rows i and i + 8
      Bytes w[16];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        w[2 * i] = interleave<std::uint8_t, false>(v[i], v[i + 8]);
        w[2 * i + 1] = interleave<std::uint8_t, true>(v[i], v[i + 8]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) {
        v[i] = w[i];
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      for_each_part(v[i], [&](Size part, Part column) {
        std::memcpy(grouped + (16 * part + i) * group_rows, &column, sizeof column);
      });
    }
  }

  /// grouped[f][row] = rows[row][f], as many features as vectors can take. @return the first feature that is left
  static Size group_vectors(const std::uint8_t* const* rows, Size n_features, std::uint8_t* grouped) {
    Size feature = 0;
    for (; feature + Isa::bytes <= n_features; feature += Isa::bytes) {
      group_bytes<Isa::bytes>(rows, feature, grouped + feature * group_rows);
    }
    for (; feature + 16 <= n_features; feature += 16) {
      group_bytes<16>(rows, feature, grouped + feature * group_rows);
    }
    if (feature < n_features) {  // bytes past the row's end are read and dropped
      std::uint8_t columns[16 * group_rows];
      group_bytes<16>(rows, feature, columns);
      std::memcpy(grouped + feature * group_rows, columns,
                  static_cast<std::size_t>((n_features - feature) * group_rows));
    }
    return n_features;
  }
  static Size group_vectors(const float* const* rows, Size n_features, float* grouped) {
    constexpr Size n = Isa::bytes / 4;
    Size feature = 0;
    for (; feature + n <= n_features; feature += n) {
      for (Size row = 0; row < group_rows; row += 4) {
        VectorIn<float> v[4];
        for (Size i = 0; i < 4; ++i) {
          std::memcpy(&v[i], rows[row + i] + feature, sizeof v[i]);
        }
        transpose_4(v, [&](Size column, Part four) {
          std::memcpy(grouped + (feature + column) * group_rows + row, &four, sizeof four);
        });
      }
    }
    return feature;
  }
  static Size group_vectors(const double* const*, Size, double*) {
    return 0;
  }

  template <class E>
  static void group(const E* features, Size n_rows, Size n_features, E* grouped) {
    for (Size first = 0; first < n_rows; first += group_rows) {
      const E* rows[group_rows];
      for (Size i = 0; i < group_rows; ++i) {
        rows[i] = features + (first + i < n_rows ? first + i : n_rows - 1) * n_features;
      }
      for (Size feature = group_vectors(rows, n_features, grouped); feature < n_features; ++feature) {
        for (Size row = 0; row < group_rows; ++row) {
          grouped[feature * group_rows + row] = rows[row][feature];
        }
      }
      grouped += n_features * group_rows;
    }
  }

  static void ungroup(const T* grouped, Size n_rows, Size n, T* rows) {
    for (Size first = 0; first < n_rows; first += group_rows) {
      const Size n_here = n_rows - first < group_rows ? n_rows - first : group_rows;
      Size column = 0;
      if constexpr (sizeof(T) == 4) {
        for (; n_here == group_rows && column + 4 <= n; column += 4) {
          for (Size row = 0; row < group_rows; row += width) {
            VectorIn<float> v[4];
            for (Size i = 0; i < 4; ++i) {
              v[i] = load(grouped + (column + i) * group_rows + row);
            }
            transpose_4(v, [&](Size i, Part four) { std::memcpy(rows + (row + i) * n + column, &four, sizeof four); });
          }
        }
      }
      for (; column < n; ++column) {
        for (Size row = 0; row < n_here; ++row) {
          rows[row * n + column] = grouped[column * group_rows + row];
        }
      }
      grouped += n * group_rows;
      rows += group_rows * n;
    }
  }

  // ---- softmax and cross-entropy

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
  static constexpr Products<T, E> products = {&group<E>, &forward<E>, &backward<E>};

  static constexpr TileKernels<T> all = {
      panel_columns, products<std::uint8_t>, products<float>, products<T>, &ungroup, &softmax, &residuals, &sigmoid};
};

}  // namespace meha::kernels
