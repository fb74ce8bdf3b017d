// SPDX-License-Identifier: MIT
// The kernels for AVX2 with FMA.
#include <immintrin.h>

#include "levels.hpp"
#include "linear_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa {
  template <class T>
  using Vector [[gnu::vector_size(32)]] = T;
  template <class T>
  using Bits [[gnu::vector_size(32)]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  template <class T>
  static constexpr Size width = 32 / sizeof(T);
  template <class T>
  static constexpr Size registers = 2;
  template <class T>
  static constexpr Size columns = 6;

  static Vector<float> load(float, const std::uint8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static Vector<double> load(double, const std::uint8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
  }
  static Vector<float> load(float, const float* from) { return _mm256_loadu_ps(from); }
  static Vector<double> load(double, const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
};

}  // namespace

const LinearKernels<float>& avx2_float32 = LinearSoftmax<Isa, float>::all;
const LinearKernels<double>& avx2_float64 = LinearSoftmax<Isa, double>::all;

}  // namespace meha::kernels
