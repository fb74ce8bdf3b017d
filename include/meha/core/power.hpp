// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "meha/core/types.hpp"

namespace meha {

/// base^exponent, the same bits on every x86-64 processor: libm chooses among variants of std::pow(double) by the processor,
/// but has one of std::pow(long double).
inline Real power(Real base, Real exponent) {
  return static_cast<Real>(std::pow(static_cast<long double>(base), static_cast<long double>(exponent)));
}

}  // namespace meha
