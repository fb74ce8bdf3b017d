// SPDX-License-Identifier: MIT
// Curvatures of f and F along y and of d_x along x at one point, by central differences and power iteration.
#pragma once

#include "meha/core/options.hpp"
#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"

namespace meha {

/// Gradients of each row that Curvature::along_y() evaluates.
inline constexpr Index evaluations_of_curvature = 2 * 8;  // two a power iteration

/// Errors: Error(Stopped) when the last sweep has brought a request to stop.
void require_unstopped(const Oracle& oracle);

/// Every rank computes the same numbers from the same sums. All members are collective.
/// Errors: Error(Stopped) on request.
class Curvature {
 public:
  /// @param state  with x and y, which must outlive this
  Curvature(Oracle& oracle, const AlgorithmOptions& options, State& state);

  /// ‖∇²_yy f‖, or ‖∇²_yy (F/c + f)‖.
  Real along_y(bool with_upper);

  /// ‖d(d_x)/dx‖ for shared x, with θ after some steps of size eta towards its minimiser.
  Real along_x(Real eta);

 private:
  void run(Sweep& sweep);
  Vec d_x(Vec& x, Real eta);

  Oracle& oracle_;
  Real c_, gamma_;
  Vec& x_;
  const Vec& y_;
};

}  // namespace meha
