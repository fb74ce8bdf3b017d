// SPDX-License-Identifier: MIT
// What each instruction set's file offers to the dispatcher.
#pragma once

#include "meha/problem/kernels/kernels.hpp"

namespace meha::kernels {

extern const LinearKernels<float>& baseline_float32;
extern const LinearKernels<double>& baseline_float64;
extern const LinearKernels<float>& avx2_float32;
extern const LinearKernels<double>& avx2_float64;
extern const LinearKernels<float>& avx512_float32;
extern const LinearKernels<double>& avx512_float64;

}  // namespace meha::kernels
