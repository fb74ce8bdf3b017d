// SPDX-License-Identifier: MIT
// The registers of AVX-512, as skinny_product.hpp asks for them; local to the including file.
#pragma once

#include "skinny_product.hpp"

namespace meha::kernels {
namespace {

struct Avx512Registers {
  static constexpr int bytes = 64;
  static constexpr Size accumulators = 24;
  static constexpr Size panel_columns = 12;
  template <class T>
  static constexpr Size registers = 1;
};

}  // namespace
}  // namespace meha::kernels
