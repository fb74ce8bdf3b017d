// SPDX-License-Identifier: MIT
// What each instruction set's file offers to the dispatcher.
#pragma once

#include "meha/problem/kernels/kernels.hpp"

namespace meha::kernels {

extern const TileKernels<float>& baseline_float32;
extern const TileKernels<double>& baseline_float64;
extern const TileKernels<float>& avx2_float32;
extern const TileKernels<double>& avx2_float64;
extern const TileKernels<float>& avx512_float32;
extern const TileKernels<double>& avx512_float64;
extern const PairKernels& avx512_bfloat16;
extern const Int16Kernels& baseline_int16;
extern const Int16Kernels& avx2_int16;
extern const Int16Kernels& avx512_vnni_int16;

}  // namespace meha::kernels
