// SPDX-License-Identifier: MIT
// The products of bytes with int16 numbers, written once for any instruction set: the two products of a pair are added as
// int32, which takes half of the multiplications of float32, and is exact. Isa as in skinny_product.hpp has besides
//   Isa::Integers                          a vector of its own type for int32, or pairs of int16
//   Isa::load_pairs(const BytePair*)       the next pairs of bytes as pairs of int16
//   Isa::load_pairs(first, second)         the same of the next bytes at two places
//   Isa::broadcast(pair)                   the pair in all lanes
//   Isa::add_products(sum, pairs, pairs)   sum[lane] + the two products of the pairs of each lane
//   Isa::multiply_add(sum, a, b)           sum + a·b of float, fused wherever the instruction set can: left to the compiler, it
//                                          fuses some of the sums and not others, so that bits depend on what columns are worked
//                                          on side by side
#pragma once

#include "grouping.hpp"

namespace meha::kernels {

template <class Isa>
struct Int16Products : Grouping<Isa, float> {
  using Base = Grouping<Isa, float>;
  using Base::at;
  using Base::load;
  using Base::panel_columns;
  using Base::store;
  using Base::width;
  using typename Base::Bits;
  using typename Base::Vector;
  using Integers = typename Isa::Integers;

  static constexpr Size registers = Isa::template registers<float>;
  static constexpr Size lanes = registers * width;
  /// Pairs of one exact sum: 2·256·255·2¹⁴ < 2³¹. Their lanes fit the first-level cache with a panel of factors.
  static constexpr Size most_pairs = 256;
  static constexpr float largest_integer = (1 << 14) - 1;

  static Integers load_packed(const Int16Pair* from) {
    Integers v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }

  /// out(lane, column) = start[column] + scale[column]·Σ_i ⟨packed(i, lane), b(i, column)⟩ for `columns` columns, b a panel;
  /// where start is null, out(lane, column) += the same without start.
  template <Size columns>
  static void product(const Int16Pair* packed, const Int16Pair* b, Size n, const float* scales, const float* start,
                      float* out, Size out_column, Size out_group) {
    Integers sum[columns][registers];
#pragma GCC unroll 16
    for (Size c = 0; c < columns; ++c) {
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        sum[c][r] = Integers{};
      }
    }
    if (start == nullptr) {  // what comes next of sums that fill more than one cache
#pragma GCC unroll 16
      for (Size c = 0; c < columns; ++c) {
        __builtin_prefetch(out + c * out_column + at(lanes, out_group), 1, 3);
      }
    }
    for (Size i = 0; i < n; ++i, packed += lanes, b += columns) {
      Integers lane[registers];
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        lane[r] = load_packed(packed + r * width);
      }
#pragma GCC unroll 16
      for (Size c = 0; c < columns; ++c) {
        const Integers factors = Isa::broadcast(b[c]);
#pragma GCC unroll 8
        for (Size r = 0; r < registers; ++r) {
          sum[c][r] = Isa::add_products(sum[c][r], lane[r], factors);
        }
      }
    }
#pragma GCC unroll 16
    for (Size c = 0; c < columns; ++c) {
#pragma GCC unroll 8
      for (Size r = 0; r < registers; ++r) {
        float* const there = out + c * out_column + at(r * width, out_group);
        const Vector before = start != nullptr ? Vector{} + start[c] : load(there);
        const Vector converted = __builtin_convertvector(reinterpret_cast<Bits>(sum[c][r]), Vector);
        store(there, Isa::multiply_add(before, converted, Vector{} + scales[c]));
      }
    }
  }

  using Product = void (*)(const Int16Pair*, const Int16Pair*, Size, const float*, const float*, float*, Size, Size);
  template <std::size_t... c>
  static constexpr std::array<Product, sizeof...(c)> table(std::index_sequence<c...>) {
    return {product<Size{c} + 1>...};
  }

  /// The products of `lanes` lanes with all columns, b in panels. @param pack  called as pack(i, r): register r of pair i
  /// @param start_of  called as start_of(column): where the panel that begins there has its start
  template <class Pack, class Start>
  static void product_of_lanes(const Pack pack, const Int16Pair* b, Size n, const float* scales, const Start start_of,
                               float* out, Size out_column, Size out_group, Size n_columns) {
    static constexpr auto products = table(std::make_index_sequence<std::size_t{panel_columns}>{});
    alignas(Isa::bytes) Int16Pair packed[most_pairs * lanes];
    const Size n_panels = count_panels(n_columns, panel_columns);
    for (Size first = 0; first < n; first += most_pairs) {
      const Size n_here = n - first < most_pairs ? n - first : most_pairs;
      for (Size i = 0; i < n_here; ++i) {
#pragma GCC unroll 8
        for (Size r = 0; r < registers; ++r) {
          const Integers v = pack(first + i, r);
          std::memcpy(packed + i * lanes + r * width, &v, sizeof v);
        }
      }
      for (Size p = 0; p < n_panels; ++p) {
        const Panel panel = panel_of(n_columns, n_panels, p);
        products[static_cast<std::size_t>(panel.columns - 1)](
            packed, b + panel.first * n + first * panel.columns, n_here, scales + panel.first,
            first == 0 ? start_of(panel.first) : nullptr, out + panel.first * out_column, out_column, out_group);
      }
    }
  }

  static void forward(const BytePair* grouped, Size n_rows, Size n, const Int16Pair* panels, const float* scales,
                      const float* bias, Size n_columns, float* out) {
    const Size n_pairs = (n + 1) / 2;
    for (Size lane = 0; lane < padded(n_rows); lane += lanes) {
      const auto pack = [a = grouped + at(lane, n_pairs * group_rows)](Size i, Size r) {
        return Isa::load_pairs(a + i * group_rows + r * width);
      };
      const auto bias_of = [bias](Size column) { return bias + column; };
      product_of_lanes(pack, panels, n_pairs, scales, bias_of, out + at(lane, n_columns * group_rows), group_rows,
                       n_columns * group_rows, n_columns);
    }
  }

  static void backward(const std::uint8_t* rows, Size n_rows, Size n, const Int16Pair* residuals, const float* scales,
                       Size n_columns, float* gradient, bool adds) {
    static constexpr float zeros[panel_columns] = {};
    for (Size lane = 0; lane < padded(n); lane += lanes) {
      const auto pack = [rows = rows + lane, n_rows, n](Size i, Size r) {
        const std::uint8_t* const first = rows + 2 * i * n + r * width;  // twice where a last row has no other: times 0
        return Isa::load_pairs(first, 2 * i + 1 < n_rows ? first + n : first);
      };
      const auto start_of = [adds](Size /*column*/) -> const float* { return adds ? nullptr : zeros; };
      product_of_lanes(pack, residuals, (n_rows + 1) / 2, scales, start_of, gradient + lane, padded(n), group_rows,
                       n_columns);
    }
  }

  /// The nearest integers of 16 numbers times factor, |number·factor| < 2¹⁵, in pairs.
  static void round_16(const float* numbers, float factor, Int16Pair* pairs) {
    using Wide = typename VectorOf<std::uint64_t, Isa::bytes>::type;
    using Narrow = typename VectorOf<std::uint32_t, Isa::bytes / 2>::type;
    for (Size lane = 0; lane < group_rows; lane += width, pairs += width / 2) {
      const Vector shifted = Isa::multiply_add(Vector{} + 0x1.8p23F, load(numbers + lane), Vector{} + factor);
      const auto integers = reinterpret_cast<Wide>(shifted);  // in the lower bits
      const Narrow both = __builtin_convertvector((integers & 0xffff) | (integers >> 16 & 0xffff0000), Narrow);
      std::memcpy(pairs, &both, sizeof both);
    }
  }

  /// pairs[i/2·step] ← numbers i and i + 1 of n, rounded. @param sixteen  called as sixteen(i): numbers i to i + 15, those past
  /// n are 0   @return the scale
  template <class Sixteen>
  static float round(const Sixteen sixteen, Size n, Int16Pair* pairs, Size step) {
    constexpr std::int32_t infinity = 0x7f800000;
    std::int32_t largest[group_rows] = {};  // magnitudes, whose bits are in their order, infinite ones and NaN last
    for (Size i = 0; i < n; i += group_rows) {
      const float* const numbers = sixteen(i);
      for (Size lane = 0; lane < group_rows; lane += width) {
        const Bits magnitudes = reinterpret_cast<Bits>(load(numbers + lane)) & 0x7fffffff;
        Bits most;
        std::memcpy(&most, largest + lane, sizeof most);
        most = magnitudes > most ? magnitudes : most;
        std::memcpy(largest + lane, &most, sizeof most);
      }
    }
    std::int32_t most = 0;
    for (const std::int32_t bits : largest) {
      most = bits > most ? bits : most;
    }
    float magnitude = 0;
    std::memcpy(&magnitude, &most, sizeof magnitude);
    const bool counts = most < infinity && magnitude > 0x1p-100F;
    const float factor = counts ? largest_integer / magnitude : 0;
    for (Size i = 0; i < n; i += group_rows) {
      Int16Pair eight[group_rows / 2];
      round_16(sixteen(i), factor, eight);
      for (Size k = 0; k < group_rows / 2 && i + 2 * k < n; ++k, pairs += step) {
        *pairs = eight[k];
      }
    }
    return most < infinity ? (counts ? magnitude / largest_integer : 0) : 0 * magnitude;
  }

  static float round_column(const double* b, Size n, Int16Pair* pairs, Size step) {
    float numbers[group_rows];
    const auto sixteen = [b, n, &numbers](Size i) {
      const Size n_here = n - i < group_rows ? n - i : group_rows;
      for (Size k = 0; k < n_here; ++k) {
        numbers[k] = static_cast<float>(b[i + k]);
      }
      for (Size k = n_here; k < group_rows; ++k) {
        numbers[k] = 0;
      }
      return static_cast<const float*>(numbers);
    };
    return round(sixteen, n, pairs, step);
  }

  static void round_residuals(const float* grouped, Size n_rows, Size n_columns, Int16Pair* panels, float* scales) {
    const Size n_panels = count_panels(n_columns, panel_columns);
    for (Size p = 0; p < n_panels; ++p) {
      const Panel panel = panel_of(n_columns, n_panels, p);
      for (Size column = panel.first; column < panel.first + panel.columns; ++column) {
        const auto sixteen = [grouped, column, n_columns](Size row) {
          return grouped + row * n_columns + column * group_rows;
        };
        Int16Pair* const pairs = panels + panel.first * ((n_rows + 1) / 2) + column - panel.first;
        scales[column] = round(sixteen, n_rows, pairs, panel.columns);
      }
    }
  }

  static constexpr Int16Kernels all = {panel_columns, &Base::group_pairs, &round_column,
                                       &forward,      &round_residuals,   &backward};
};

}  // namespace meha::kernels
