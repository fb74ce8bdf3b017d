// SPDX-License-Identifier: MIT
// The products of int16 for AVX-512 with VNNI, whose VPDPWSSD adds the products of a pair to an int32 lane (Intel, Software
// Developer's Manual, volume 2): twice the multiplications of an FMA.
#include <immintrin.h>

#include "avx512_registers.hpp"
#include "int16_product.hpp"
#include "levels.hpp"

namespace meha::kernels {
namespace {

struct Isa : Avx512Registers {
  using Integers = __m512i;
  static __m512i load_pairs(const BytePair* from) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static __m512i load_pairs(const std::uint8_t* first, const std::uint8_t* second) {
    const auto sixteen = [](const std::uint8_t* from) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    };
    const __m128i low = _mm_unpacklo_epi8(sixteen(first), sixteen(second));
    const __m128i high = _mm_unpackhi_epi8(sixteen(first), sixteen(second));
    return _mm512_cvtepu8_epi16(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
  }
  static __m512 multiply_add(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
  static __m512i broadcast(Int16Pair pair) { return _mm512_set1_epi32(static_cast<int>(pair)); }
  static __m512i add_products(__m512i sum, __m512i a, __m512i b) { return _mm512_dpwssd_epi32(sum, a, b); }
};

}  // namespace

const Int16Kernels& avx512_vnni_int16 = Int16Products<Isa>::all;

}  // namespace meha::kernels
