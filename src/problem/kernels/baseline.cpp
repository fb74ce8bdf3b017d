// SPDX-License-Identifier: MIT
// The kernels for any x86-64 processor (SSE2).
#include <emmintrin.h>

#include "levels.hpp"
#include "linear_kernels.hpp"

namespace meha::kernels {
namespace {

struct Isa {
  template <class T>
  using Vector [[gnu::vector_size(16)]] = T;
  template <class T>
  using Bits [[gnu::vector_size(16)]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  template <class T>
  static constexpr Size width = 16 / sizeof(T);
  template <class T>
  static constexpr Size registers = 2;
  template <class T>
  static constexpr Size columns = 6;

  static Vector<float> load(float, const std::uint8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    const __m128i zero = _mm_setzero_si128();
    return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero));
  }
  static Vector<double> load(double, const std::uint8_t* from) {
    return Vector<double>{static_cast<double>(from[0]), static_cast<double>(from[1])};
  }
  static Vector<float> load(float, const float* from) { return _mm_loadu_ps(from); }
  static Vector<double> load(double, const float* from) {
    return Vector<double>{static_cast<double>(from[0]), static_cast<double>(from[1])};
  }
};

}  // namespace

const LinearKernels<float>& baseline_float32 = LinearSoftmax<Isa, float>::all;
const LinearKernels<double>& baseline_float64 = LinearSoftmax<Isa, double>::all;

}  // namespace meha::kernels
