// SPDX-License-Identifier: MIT
// A part of a parameter vector that has a name and a shape of its own: "weight" (10 × 784).
#pragma once

#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

struct NamedArray {
  std::string name;
  std::vector<Index> shape;  // row-major
};

}  // namespace meha
