// SPDX-License-Identifier: MIT
// The dispatch seam: the same kernels compiled for several instruction sets, chosen at run time. Bits may differ between
// levels (fused multiply-add or not), never within one. Plain pointers only: these headers are compiled with flags of
// their own and must not share inline functions with the rest of the program.
//
// "Grouped" are numbers of rows that stand in vector lanes: n numbers of each row as [row/16][i][row%16].
#pragma once

#include <cstddef>
#include <cstdint>

namespace meha {

enum class Simd : int { Baseline = 0, Avx2 = 1, Avx512 = 2 };

/// Rows that are worked on side by side.
inline constexpr std::int64_t group_rows = 16;

/// n rounded up to whole groups of lanes.
constexpr std::int64_t padded(std::int64_t n) {
  return (n + group_rows - 1) / group_rows * group_rows;
}

/// Columns of a matrix b (n × n_columns) that are multiplied side by side. As "panels" b stands panel by panel, each
/// [i][column of the panel], the first at n·first.
struct Panel {
  std::int64_t first = 0, columns = 0;
};
/// @param widest  TileKernels::panel_columns
constexpr std::int64_t count_panels(std::int64_t n_columns, std::int64_t widest) {
  return (n_columns + widest - 1) / widest;
}
constexpr Panel panel_of(std::int64_t n_columns, std::int64_t n_panels, std::int64_t p) {
  const std::int64_t first = n_columns * p / n_panels;
  return {first, n_columns * (p + 1) / n_panels - first};
}

/// Products with numbers of type E of a tile's rows, in arithmetic T.
template <class T, class E>
struct Products {
  /// grouped ← rows (n_rows × n); rows past n_rows repeat the last one. Reads up to 15 numbers past the last row.
  void (*group)(const E* rows, std::int64_t n_rows, std::int64_t n, E* grouped);
  /// out[row][column] = bias[column] + Σ_i a[row][i]·b[i][column], a and out grouped, b in panels.
  /// @param next  rows that come next, or null: brought to the cache meanwhile where columns are few
  void (*forward)(const E* grouped, std::int64_t n_rows, std::int64_t n, const T* panels, const T* bias,
                  std::int64_t n_columns, T* out, const E* next);
  /// gradient[column][i] = Σ_row residuals[row][column]·rows[row][i], residuals grouped; row length of gradient:
  /// padded(n). Reads up to 15 numbers past the last row. @param adds  += in place of =, with the bits of += to zeros
  void (*backward)(const E* rows, std::int64_t n_rows, std::int64_t n, const T* residuals, std::int64_t n_columns,
                   T* gradient, bool adds);
};

/// Kernels on a tile of rows in arithmetic T, for features that are uint8, float32 or T.
/// "columns" of a softmax are the classes of all points y side by side: column = point·n_classes + class.
template <class T>
struct TileKernels {
  std::int64_t panel_columns;
  Products<T, std::uint8_t> uint8;
  Products<T, float> float32;
  Products<T, T> own;
  /// rows (n_rows × n) ← grouped.
  void (*ungroup)(const T* grouped, std::int64_t n_rows, std::int64_t n, T* rows);
  /// Softmax, in place, and cross-entropy [nats] of every row at every point. @param losses  [point][stride]
  void (*softmax)(T* grouped, const std::int32_t* labels, std::int64_t n_rows, std::int64_t n_points,
                  std::int64_t n_classes, double* losses, std::int64_t stride);
  /// v ← weights[row]·(v − [column is the row's label]) in place, and sums[column] += Σ_row v.
  /// @param labels  may be null: no class is taken off   @param weights  (padded(n_rows)), 0 past n_rows
  void (*residuals)(T* grouped, const std::int32_t* labels, const T* weights, std::int64_t n_rows,
                    std::int64_t n_points, std::int64_t n_classes, double* sums);
  /// s[i] = 1/(1 + e^−x[i]).
  void (*sigmoid)(const T* x, std::int64_t n, T* s);
};

/// Two numbers of type bfloat16, which are the upper halves of float32; the first stands in the lower half.
enum class BFloat16Pair : std::uint32_t {};

/// Puts the numbers of a tile's rows side by side in pairs, rounded to the nearest bfloat16, ties to even. Bytes are exact.
template <class E>
struct Pairing {
  /// pairs[row/16][i/2][row%16] ← numbers i and i + 1 of grouped rows; 0 follows the last of an odd n.
  void (*numbers)(const E* grouped, std::int64_t n_rows, std::int64_t n, BFloat16Pair* pairs);
  /// pairs[row/2][i] ← number i of two rows, padded(n) pairs; 0 follows the last of an odd n_rows. Reads up to 15 numbers
  /// past the last row.
  void (*rows)(const E* rows, std::int64_t n_rows, std::int64_t n, BFloat16Pair* pairs);
};

/// The products of Products<T, E> of bfloat16 numbers with sums of type float. Sums add the products of a pair at a time,
/// as the processor's VDPBF16PS does: numbers below 2⁻¹²⁶ count as 0.
struct PairKernels {
  std::int64_t panel_columns;
  Pairing<std::uint8_t> uint8;
  Pairing<float> float32;
  /// Products::forward of Pairing::numbers. @param panels  of b(i, column) and b(i + 1, column), i even
  void (*forward)(const BFloat16Pair* numbers, std::int64_t n_rows, std::int64_t n, const BFloat16Pair* panels,
                  const float* bias, std::int64_t n_columns, float* out, const std::byte* next);
  /// Products::backward of Pairing::rows. @param residuals  [row/16][column][row%16/2]
  void (*backward)(const BFloat16Pair* rows, std::int64_t n_rows, std::int64_t n, const BFloat16Pair* residuals,
                   std::int64_t n_columns, float* gradient, bool adds);
  /// Rounds grouped numbers, n of each row, to what `backward` reads as residuals.
  void (*round)(const float* grouped, std::int64_t n_rows, std::int64_t n, BFloat16Pair* pairs);
};

/// Two bytes, and two numbers of type int16; the first stands in the lower half.
enum class BytePair : std::uint16_t {};
enum class Int16Pair : std::uint32_t {};

/// The products of Products<float, uint8_t> with b and residuals rounded to int16: the numbers of a column are scale·q with
/// q = round(number·f), f = fl(largest integer/largest magnitude of the column), |q| < 2¹⁴. A column that has a number which is
/// not finite as float has the scale NaN, one whose largest is at most 2⁻¹⁰⁰ counts as 0. Sums of 512 products are exact, those
/// of more are added as float. Baseline differs from the other levels in number·f and in out = start + scale·sum, which these fuse.
struct Int16Kernels {
  std::int64_t panel_columns;
  /// pairs[row/16][i/2][row%16] ← bytes i and i + 1 of rows (n_rows × n); rows past n_rows repeat the last one, any byte
  /// follows the last of an odd n. Reads up to 15 bytes past the last row.
  void (*group)(const std::uint8_t* rows, std::int64_t n_rows, std::int64_t n, BytePair* pairs);
  /// Rounds a column of b: pairs[i/2·step] ← b(i), b(i + 1), 0 after the last of an odd n. @return scale
  float (*round_column)(const double* b, std::int64_t n, Int16Pair* pairs, std::int64_t step);
  /// Products::forward. @param panels  of pairs of b, by round_column()   @param scales  [column]
  void (*forward)(const BytePair* grouped, std::int64_t n_rows, std::int64_t n, const Int16Pair* panels,
                  const float* scales, const float* bias, std::int64_t n_columns, float* out);
  /// Rounds grouped residuals, 0 past n_rows, to panels of pairs of rows, (n_rows + 1)/2 × n_columns, and scales.
  void (*round_residuals)(const float* grouped, std::int64_t n_rows, std::int64_t n_columns, Int16Pair* panels,
                          float* scales);
  /// Products::backward. @param residuals, scales  by round_residuals()
  void (*backward)(const std::uint8_t* rows, std::int64_t n_rows, std::int64_t n, const Int16Pair* residuals,
                   const float* scales, std::int64_t n_columns, float* gradient, bool adds);
};

/// Whether this processor has AVX512-BF16 besides AVX-512.
bool has_bfloat16();
/// Errors: undefined without has_bfloat16().
const PairKernels& pair_kernels();

/// The best level this processor has.
Simd best_simd();
/// "baseline", "avx2", "avx512".
const char* name(Simd simd);
/// The level of that name; `simd` must be one of the three names.
Simd simd_of(const char* simd);

template <class T>
const TileKernels<T>& tile_kernels(Simd simd);
const Int16Kernels& int16_kernels(Simd simd);
/// Whether these multiply faster than tile_kernels<float>() of this level, on this processor: AVX-512 needs its VNNI for it.
bool int16_is_quick(Simd simd);

}  // namespace meha
