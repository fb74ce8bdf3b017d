// SPDX-License-Identifier: MIT
// The kernels for any x86-64 processor (SSE2).
#include <emmintrin.h>

#include "int16_product.hpp"
#include "levels.hpp"
#include "tile_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa {
  static constexpr int bytes = 16;
  static constexpr Size accumulators = 12;
  static constexpr Size panel_columns = 6;
  template <class T>
  static constexpr Size registers = 2;

  static __m128 load(float, const std::uint8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    const __m128i zero = _mm_setzero_si128();
    return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero));
  }
  static __m128d load(double, const std::uint8_t* from) { return __m128d{double(from[0]), double(from[1])}; }
  static __m128 load(float, const float* from) { return _mm_loadu_ps(from); }
  static __m128d load(double, const float* from) { return __m128d{double(from[0]), double(from[1])}; }
  static __m128d load(double, const double* from) { return _mm_loadu_pd(from); }

  using Integers = __m128i;
  static __m128i load_pairs(const BytePair* from) {
    return _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)), _mm_setzero_si128());
  }
  static __m128i load_pairs(const std::uint8_t* first, const std::uint8_t* second) {
    const auto four = [](const std::uint8_t* from) {
      std::int32_t bytes = 0;
      std::memcpy(&bytes, from, sizeof bytes);
      return _mm_cvtsi32_si128(bytes);
    };
    return _mm_unpacklo_epi8(_mm_unpacklo_epi8(four(first), four(second)), _mm_setzero_si128());
  }
  static __m128 multiply_add(__m128 sum, __m128 a, __m128 b) { return _mm_add_ps(sum, _mm_mul_ps(a, b)); }
  static __m128i broadcast(Int16Pair pair) { return _mm_set1_epi32(static_cast<int>(pair)); }
  static __m128i add_products(__m128i sum, __m128i a, __m128i b) { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }
};

}  // namespace

const TileKernels<float>& baseline_float32 = Kernels<Isa, float>::all;
const TileKernels<double>& baseline_float64 = Kernels<Isa, double>::all;
const Int16Kernels& baseline_int16 = Int16Products<Isa>::all;

}  // namespace meha::kernels
