// SPDX-License-Identifier: MIT
// The products of bfloat16 for AVX-512 with BF16. VDPBF16PS adds to each float32 lane the products of two pairs of
// bfloat16 (Intel, Software Developer's Manual, volume 2): twice the multiplications of an FMA.
#include <immintrin.h>

#include "avx512_registers.hpp"
#include "levels.hpp"
#include "tile_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa : Avx512Registers {
  static __m512 load(float, const BFloat16Pair* from) { return _mm512_loadu_ps(from); }
  static __m512 multiply_add(__m512 sum, __m512 lanes, BFloat16Pair factor) {
    const __m512i factors = _mm512_set1_epi32(static_cast<int>(factor));
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(lanes), reinterpret_cast<__m512bh>(factors));
  }
};

using Single = Kernels<Isa, float>;

__m512i float_bits(const std::uint8_t* from) {
  const __m512i whole = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  return _mm512_castps_si512(_mm512_cvtepi32_ps(whole));
}

/// 16 pairs of numbers. A byte is a float32 whose lower half is 0.
__m512i pair(const std::uint8_t* first, const std::uint8_t* second) {
  return _mm512_or_si512(_mm512_srli_epi32(float_bits(first), 16), float_bits(second));
}
__m512i pair(const float* first, const float* second) {
  alignas(64) static constexpr std::uint16_t interleaved[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                              21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                              11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(second), _mm512_loadu_ps(first));
  return _mm512_permutexvar_epi16(_mm512_load_si512(interleaved), reinterpret_cast<__m512i>(both));
}

template <class E>
constexpr E zeros[group_rows] = {};

template <class E>
void pair_numbers(const E* grouped, Size n_rows, Size n, BFloat16Pair* pairs) {
  for (Size first = 0; first < n_rows; first += group_rows) {
    for (Size i = 0; i < n; i += 2, grouped += 2 * group_rows, pairs += group_rows) {
      _mm512_storeu_si512(pairs, pair(grouped, i + 1 < n ? grouped + group_rows : zeros<E>));
    }
    grouped -= n % 2 * group_rows;
  }
}

template <class E>
void pair_rows(const E* rows, Size n_rows, Size n, BFloat16Pair* pairs) {
  for (Size row = 0; row < n_rows; row += 2, rows += 2 * n) {
    for (Size i = 0; i < n; i += group_rows, pairs += group_rows) {
      _mm512_storeu_si512(pairs, pair(rows + i, row + 1 < n_rows ? rows + n + i : zeros<E>));
    }
  }
}

void round(const float* grouped, Size n_rows, Size n, BFloat16Pair* pairs) {
  for (Size i = 0; i < padded(n_rows) * n; i += group_rows) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(pairs + i / 2),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(grouped + i))));
  }
}

void forward(const BFloat16Pair* numbers, Size n_rows, Size n, const BFloat16Pair* panels, const float* bias,
             Size n_columns, float* out, const std::byte* next) {
  const Size n_pairs = (n + 1) / 2;
  Single::product_of<BFloat16Pair, false>(numbers, group_rows, n_pairs * group_rows, panels, n_pairs, bias, out,
                                          group_rows, n_columns * group_rows, n_columns, padded(n_rows),
                                          reinterpret_cast<const BFloat16Pair*>(next));
}

void backward(const BFloat16Pair* rows, Size n_rows, Size n, const BFloat16Pair* residuals, Size n_columns,
              float* gradient, bool adds) {
  Single::product_of<BFloat16Pair, true>(rows, padded(n), group_rows, residuals, (n_rows + 1) / 2,
                                         adds ? gradient : nullptr, gradient, padded(n), group_rows, n_columns,
                                         padded(n), rows);
}

template <class E>
constexpr Pairing<E> pairing = {&pair_numbers<E>, &pair_rows<E>};

constexpr PairKernels all = {
    Isa::panel_columns, pairing<std::uint8_t>, pairing<float>, &forward, &backward, &round,
};

}  // namespace

const PairKernels& avx512_bfloat16 = all;

}  // namespace meha::kernels
