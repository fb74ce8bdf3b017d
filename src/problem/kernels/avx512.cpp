// SPDX-License-Identifier: MIT
// The kernels for AVX-512 (F, BW, DQ, VL).
#include <immintrin.h>

#include "levels.hpp"
#include "linear_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa {
  template <class T>
  using Vector [[gnu::vector_size(64)]] = T;
  template <class T>
  using Bits [[gnu::vector_size(64)]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  template <class T>
  static constexpr Size width = 64 / sizeof(T);
  template <class T>
  static constexpr Size registers = 1;
  template <class T>
  static constexpr Size columns = 24;

  static Vector<float> load(float, const std::uint8_t* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static Vector<double> load(double, const std::uint8_t* from) {
    return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static Vector<float> load(float, const float* from) { return _mm512_loadu_ps(from); }
  static Vector<double> load(double, const float* from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
};

}  // namespace

const LinearKernels<float>& avx512_float32 = LinearSoftmax<Isa, float>::all;
const LinearKernels<double>& avx512_float64 = LinearSoftmax<Isa, double>::all;

}  // namespace meha::kernels
