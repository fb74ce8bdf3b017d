// SPDX-License-Identifier: MIT
// The kernels for AVX2 with FMA.
#include <immintrin.h>

#include "int16_product.hpp"
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

  using Integers = __m256i;
  static __m256i load_pairs(const BytePair* from) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static __m256i load_pairs(const std::uint8_t* first, const std::uint8_t* second) {
    const auto eight = [](const std::uint8_t* from) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)); };
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(eight(first), eight(second)));
  }
  static __m256 multiply_add(__m256 sum, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, sum); }
  static __m256i broadcast(Int16Pair pair) { return _mm256_set1_epi32(static_cast<int>(pair)); }
  /// One step in registers that are taken for it: apart, GCC 12 gathers all products before it adds them, and has no registers
  /// for them.
  static __m256i add_products(__m256i sum, __m256i a, __m256i b) {
    __m256i products;
    asm("vpmaddwd %2, %3, %0\n\tvpaddd %0, %1, %1" : "=&x"(products), "+x"(sum) : "x"(a), "x"(b));
    return sum;
  }
};

}  // namespace

const TileKernels<float>& avx2_float32 = Kernels<Isa, float>::all;
const TileKernels<double>& avx2_float64 = Kernels<Isa, double>::all;
const Int16Kernels& avx2_int16 = Int16Products<Isa>::all;

}  // namespace meha::kernels
