// SPDX-License-Identifier: MIT
// The kernels for AVX-512 (F, BW, DQ, VL).
#include <immintrin.h>

#include "avx512_registers.hpp"
#include "levels.hpp"
#include "tile_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa : Avx512Registers {
  static __m512 load(float, const std::uint8_t* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static __m512d load(double, const std::uint8_t* from) {
    return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static __m512 load(float, const float* from) { return _mm512_loadu_ps(from); }
  static __m512d load(double, const float* from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
  static __m512d load(double, const double* from) { return _mm512_loadu_pd(from); }
};

}  // namespace

const TileKernels<float>& avx512_float32 = Kernels<Isa, float>::all;
const TileKernels<double>& avx512_float64 = Kernels<Isa, double>::all;

}  // namespace meha::kernels
