// SPDX-License-Identifier: MIT
// The dispatch seam: the same kernels compiled for several instruction sets, chosen at run time. Bits may differ between
// levels (fused multiply-add or not), never within one. Plain pointers only: these headers are compiled with flags of
// their own and must not share inline functions with the rest of the program.
#pragma once

#include <cstdint>

namespace meha {

enum class Simd : int { Baseline = 0, Avx2 = 1, Avx512 = 2 };

/// Rows that are worked on side by side; logits come in groups of this many rows.
inline constexpr std::int64_t group_rows = 16;

/// Kernels of the linear softmax model on a tile of rows, for uint8 or float32 features, in arithmetic T.
/// "columns" are the classes of all points y side by side: column = point·n_classes + class.
template <class T>
struct LinearKernels {
  /// logits[row/16][column][row%16] = bias[column] + Σ_f features[row][f]·weights[f][column]
  /// @param scratch  16·n_features values of the features' own type     (rows past n_rows are undefined)
  void (*forward_uint8)(const std::uint8_t* features, std::int64_t n_rows, std::int64_t n_features, const T* weights,
                        const T* bias, std::int64_t n_columns, std::uint8_t* scratch, T* logits);
  void (*forward_float32)(const float* features, std::int64_t n_rows, std::int64_t n_features, const T* weights,
                          const T* bias, std::int64_t n_columns, float* scratch, T* logits);
  /// Softmax and cross-entropy [nats] of every row at every point.
  /// @param probabilities  [row][column], room for a multiple of 16 rows    @param losses  [point][stride]
  void (*softmax)(const T* logits, const std::int32_t* labels, std::int64_t n_rows, std::int64_t n_points,
                  std::int64_t n_classes, T* probabilities, double* losses, std::int64_t stride);
  /// gradient[column][f] += Σ_row residuals[row][column]·features[row][f];  row length of gradient: padded(n_features)
  void (*backward_uint8)(const std::uint8_t* features, std::int64_t n_rows, std::int64_t n_features, const T* residuals,
                         std::int64_t n_columns, T* gradient);
  void (*backward_float32)(const float* features, std::int64_t n_rows, std::int64_t n_features, const T* residuals,
                           std::int64_t n_columns, T* gradient);
};

/// n_features rounded up to whole groups of lanes.
constexpr std::int64_t padded(std::int64_t n_features) {
  return (n_features + group_rows - 1) / group_rows * group_rows;
}

/// The best level this processor has.
Simd best_simd();
/// "baseline", "avx2", "avx512".
const char* name(Simd simd);
/// The level of that name; `simd` must be one of the three names.
Simd simd_of(const char* simd);

template <class T>
const LinearKernels<T>& linear_kernels(Simd simd);

}  // namespace meha
