// SPDX-License-Identifier: MIT
// Is a problem consistent with itself? Gradients against differences of values, and second-order products (exact or by
// differences, as the problem has them) against differences of gradients, of fourth order along random directions,
//   (8·(h(z + t·d) − h(z − t·d)) − (h(z + 2t·d) − h(z − 2t·d))) / 12t  ≈  ∇h(z)·d,
// and the proximal map and the projection against their definitions at random points.
#pragma once

#include <string>
#include <vector>

#include "meha/problem/problem.hpp"

namespace meha {

struct CheckResult {
  std::string what;  // "grad_y of f"
  Real error = 0;    // relative error of a derivative; or by how much a minimiser was beaten
  Real tolerance = 0;
  [[nodiscard]] bool passed() const { return error <= tolerance; }
};

/// @param problem  with all its rows on this rank, in float64     Collective: no.
std::vector<CheckResult> check_problem(Problem& problem, Index block_rows, Index seed);

}  // namespace meha
