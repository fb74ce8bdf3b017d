// SPDX-License-Identifier: MIT
#include "meha/problem/kernels/kernels.hpp"

#include <cstring>
#include <initializer_list>

#include "levels.hpp"

namespace meha {
namespace {

/// Whether this processor, which has AVX-512, has its VNNI.
bool has_vnni() {
  return __builtin_cpu_supports("avx512vnni");
}

}  // namespace

Simd best_simd() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    return Simd::Avx512;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Simd::Avx2 : Simd::Baseline;
}

bool has_bfloat16() {
  return best_simd() == Simd::Avx512 && __builtin_cpu_supports("avx512bf16");
}

const PairKernels& pair_kernels() {
  return kernels::avx512_bfloat16;
}

const char* name(Simd simd) {
  constexpr const char* names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(simd)];
}

Simd simd_of(const char* simd) {
  for (const Simd level : {Simd::Avx512, Simd::Avx2}) {
    if (std::strcmp(simd, name(level)) == 0) {
      return level;
    }
  }
  return Simd::Baseline;
}

template <>
const TileKernels<float>& tile_kernels<float>(Simd simd) {
  switch (simd) {
    case Simd::Avx512:
      return kernels::avx512_float32;
    case Simd::Avx2:
      return kernels::avx2_float32;
    default:
      return kernels::baseline_float32;
  }
}

template <>
const TileKernels<double>& tile_kernels<double>(Simd simd) {
  switch (simd) {
    case Simd::Avx512:
      return kernels::avx512_float64;
    case Simd::Avx2:
      return kernels::avx2_float64;
    default:
      return kernels::baseline_float64;
  }
}

const Int16Kernels& int16_kernels(Simd simd) {
  if (simd == Simd::Baseline) {
    return kernels::baseline_int16;
  }
  return simd == Simd::Avx512 && has_vnni() ? kernels::avx512_vnni_int16 : kernels::avx2_int16;
}

bool int16_is_quick(Simd simd) {
  return simd != Simd::Avx512 || has_vnni();
}

}  // namespace meha
