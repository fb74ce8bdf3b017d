// SPDX-License-Identifier: MIT
#include "meha/problem/sample_labels.hpp"

#include <cmath>

namespace meha {

Real sigmoid(Real x) {
  if (x >= 0) {
    return 1 / (1 + std::exp(-x));
  }
  const Real power = std::exp(x);
  return power / (1 + power);
}

}  // namespace meha
