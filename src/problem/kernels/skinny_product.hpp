// SPDX-License-Identifier: MIT
// ONE skinny product, written once for any instruction set:
//   out[lane][column] = Σ_i a[i][lane] · b[i][column]
// with the lanes in vector registers: forward, lanes are rows (of grouped numbers) and i runs over features; backward,
// lanes are features and i runs over the rows of the tile. Every output is one chain over i, so neither widths of
// registers, nor how many outputs are worked on side by side, nor where the chain is interrupted changes bits.
//
// An instruction set is a type Isa, local to the including file, with
//   Isa::bytes          of a vector register      Isa::accumulators   registers that hold sums
//   Isa::registers<T>   side by side, at least    Isa::panel_columns  at most
//   Isa::load(T{}, pointer)  the next lanes, converted to T = float, double from std::uint8_t, float, double
// A "factor" is a number of b, of type T, or two that are multiplied in one step, where Isa has
//   Isa::multiply_add(sum, lanes, factor)
#pragma once

#include <array>
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
struct SkinnyProduct {
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

  /// Where lane `lane` stands in an array of groups of 16 lanes.
  static constexpr Size at(Size lane, Size group_stride) {
    return lane / group_rows * group_stride + lane % group_rows;
  }

  /// Factors of one column of b that stand side by side in a group.
  template <class F>
  static constexpr Size group_factors = std::same_as<F, T> ? group_rows : group_rows / 2;

  /// out(lane, column) = start[column] + Σ_i a(i, lane)·b(i, column) for `columns` columns and `registers` vectors of
  /// lanes. Forward: b is a panel; the sums begin with what is in out where start is null, and as many bytes as a has here
  /// are prefetched from `next`, unless that is null. Backward: b is grouped over i, columns a group apart, and the sums
  /// begin with what is in out, or with 0 where start is null.
  template <class E, class F, bool backward, Size columns, Size registers>
  static void product(const E* a, Size a_step, Size a_group, const F* b, Size b_group, Size n, const T* start, T* out,
                      Size out_column, Size out_group, const E* next) {
    Vector sum[columns][registers];
#pragma GCC unroll 32
    for (Size c = 0; c < columns; ++c) {
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        const T* const there = out + c * out_column + at(r * width, out_group);
        sum[c][r] = backward ? (start != nullptr ? load(there) : Vector{})
                             : (start != nullptr ? Vector{} + start[c] : load(there));
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
        for (Size lane = 0; next != nullptr && lane < registers * width; lane += group_rows) {
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

  /// Products of 1, 2, … columns. @tparam n_registers  side by side; 0: as many as suit the columns
  template <class E, class F, bool backward, Size n_registers, std::size_t... c>
  static constexpr std::array<Product<E, F>, sizeof...(c)> table(std::index_sequence<c...>) {
    return {product < E, F, backward, Size{c} + 1, n_registers == 0 ? registers_for(Size{c} + 1) : n_registers > ...};
  }

  static constexpr Size most_packed = 256;  // values of i, a multiple of group_rows: about a first-level cache of lanes

  /// The product for many columns. Lanes are converted once for all panels, and so many of them at a time that they stay in
  /// the first-level cache while the panels go by.
  template <class E, bool backward, class F>
  static void packed_product(const E* a, Size a_step, Size a_group, const F* b, Size n, const T* start, T* out,
                             Size out_column, Size out_group, Size n_columns, Size n_lanes) {
    constexpr auto sequence = std::make_index_sequence<static_cast<std::size_t>(panel_columns)>{};
    constexpr Size registers = registers_for(panel_columns);
    static constexpr auto wide = table<T, F, backward, registers>(sequence);
    static constexpr auto narrow = table<T, F, backward, fewest_registers>(sequence);
    alignas(Isa::bytes) T packed[most_packed * registers * width];
    const Size n_panels = count_panels(n_columns, panel_columns);
    const Size n_parts = (n + most_packed - 1) / most_packed;
    const Size size_of_part = padded((n + n_parts - 1) / n_parts);
    for (Size first = 0; first < n; first += size_of_part) {
      const Size n_here = n - first < size_of_part ? n - first : size_of_part;
      const bool goes_on = first > 0;
      for (Size lane = 0; lane < n_lanes;) {
        const bool fits = lane + registers * width <= n_lanes;
        const Size lanes = fits ? registers * width : fewest_registers * width;
        for (Size i = 0; i < n_here; ++i) {
          for (Size l = 0; l < lanes; l += width) {
            store(packed + i * lanes + l,
                  Vector(Isa::load(T{}, a + (first + i) * a_step + at(lane, a_group) + at(l, a_group))));
          }
        }
        for (Size p = 0; p < n_panels; ++p) {
          const Panel panel = panel_of(n_columns, n_panels, p);
          const F* factors = b + (backward ? (panel.first + first / group_factors<F> * n_columns) * group_factors<F>
                                           : panel.first * n + first * panel.columns);
          const T* begin = backward ? (goes_on ? out : start) : goes_on ? nullptr : start + panel.first;
          (fits ? wide : narrow)[static_cast<std::size_t>(panel.columns - 1)](
              packed, lanes, group_rows, factors, n_columns * group_factors<F>, n_here, begin,
              out + panel.first * out_column + at(lane, out_group), out_column, out_group, nullptr);
        }
        lane += lanes;
      }
    }
  }

  /// The product for any number of columns and lanes, panel by panel. @param next  as for product(); heeded where there are
  /// few columns
  template <class E, bool backward, class F>
  static void product_of(const E* a, Size a_step, Size a_group, const F* b, Size n, const T* start, T* out,
                         Size out_column, Size out_group, Size n_columns, Size n_lanes, const E* next) {
    constexpr auto sequence = std::make_index_sequence<static_cast<std::size_t>(panel_columns)>{};
    static constexpr auto wide = table<E, F, backward, 0>(sequence);
    static constexpr auto narrow = table<E, F, backward, fewest_registers>(sequence);
    const Size n_panels = count_panels(n_columns, panel_columns);
    if constexpr (std::same_as<F, T>) {
      constexpr Size worth_packing = std::same_as<E, T> ? 8 : 3;
      if (n_panels >= worth_packing) {
        packed_product<E, backward>(a, a_step, a_group, b, n, start, out, out_column, out_group, n_columns, n_lanes);
        return;
      }
    }
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
                                      out_group, next != nullptr ? next + at(lane, a_group) : nullptr);
        lane += fits ? lanes : fewest_registers * width;
      }
    }
  }
};

}  // namespace meha::kernels
