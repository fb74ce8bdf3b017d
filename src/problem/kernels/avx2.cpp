// SPDX-License-Identifier: MIT
// The kernels for AVX2 with FMA.
#include <immintrin.h>

#include "levels.hpp"
#include "tile_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa {
  static constexpr int bytes = 32;
  static constexpr Size accumulators = 12;
  static constexpr Size panel_columns = 6;
  template <class T>
  static constexpr Size registers = 2;

  static __m256 load(float, const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static __m256d load(double, const std::uint8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
  }
  static __m256 load(float, const float* from) { return _mm256_loadu_ps(from); }
  static __m256d load(double, const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
  static __m256d load(double, const double* from) { return _mm256_loadu_pd(from); }
};

}  // namespace

const TileKernels<float>& avx2_float32 = Kernels<Isa, float>::all;
const TileKernels<double>& avx2_float64 = Kernels<Isa, double>::all;

}  // namespace meha::kernels
