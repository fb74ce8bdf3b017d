// SPDX-License-Identifier: MIT
// The way of numbers from rows into groups of 16 rows, which stand side by side in vector lanes, and back.
#pragma once

#include "skinny_product.hpp"

namespace meha::kernels {

template <class Isa, class T>
struct Grouping : SkinnyProduct<Isa, T> {
  using Base = SkinnyProduct<Isa, T>;
  template <class E>
  using VectorIn = typename Base::template VectorIn<E>;
  using Base::load;
  using Base::width;

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

  /// grouped[f][row] = rows[row][f] for `size` bytes of 16 rows, f numbers their features of type Unit: 1 or 2 bytes.
  template <int size, class Unit>
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
        w[2 * i] = interleave<Unit, false>(v[i], v[i + 8]);
        w[2 * i + 1] = interleave<Unit, true>(v[i], v[i + 8]);
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
    return group_units<std::uint8_t>(rows, n_features, grouped);
  }
  /// The same of n_bytes bytes of each row, whole units of 1 or 2.
  template <class Unit>
  static Size group_units(const std::uint8_t* const* rows, Size n_bytes, std::uint8_t* grouped) {
    Size byte = 0;
    for (; byte + Isa::bytes <= n_bytes; byte += Isa::bytes) {
      group_bytes<Isa::bytes, Unit>(rows, byte, grouped + byte * group_rows);
    }
    for (; byte + 16 <= n_bytes; byte += 16) {
      group_bytes<16, Unit>(rows, byte, grouped + byte * group_rows);
    }
    if (byte < n_bytes) {  // bytes past the row's end are read and dropped
      std::uint8_t columns[16 * group_rows];
      group_bytes<16, Unit>(rows, byte, columns);
      std::memcpy(grouped + byte * group_rows, columns, static_cast<std::size_t>((n_bytes - byte) * group_rows));
    }
    return n_bytes;
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

  /// Calls see(the beginnings of 16 rows) for each group of rows; past n_rows, of the last one.
  template <class E, class See>
  static void for_each_group(const E* features, Size n_rows, Size n_features, See&& see) {
    for (Size first = 0; first < n_rows; first += group_rows) {
      const E* rows[group_rows];
      for (Size i = 0; i < group_rows; ++i) {
        rows[i] = features + (first + i < n_rows ? first + i : n_rows - 1) * n_features;
      }
      see(rows);
    }
  }

  template <class E>
  static void group(const E* features, Size n_rows, Size n_features, E* grouped) {
    for_each_group(features, n_rows, n_features, [&](const E* const* rows) {
      for (Size feature = group_vectors(rows, n_features, grouped); feature < n_features; ++feature) {
        for (Size row = 0; row < group_rows; ++row) {
          grouped[feature * group_rows + row] = rows[row][feature];
        }
      }
      grouped += n_features * group_rows;
    });
  }

  /// pairs[row/16][i/2][row%16] = bytes i and i + 1 of the row.
  static void group_pairs(const std::uint8_t* features, Size n_rows, Size n_features, BytePair* pairs) {
    const Size n_bytes = n_features + n_features % 2;
    auto* grouped = reinterpret_cast<std::uint8_t*>(pairs);
    for_each_group(features, n_rows, n_features, [&](const std::uint8_t* const* rows) {
      group_units<std::uint16_t>(rows, n_bytes, grouped);
      grouped += n_bytes * group_rows;
    });
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
};

}  // namespace meha::kernels
