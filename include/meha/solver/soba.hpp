// SPDX-License-Identifier: MIT
// SOBA: single loop; v follows (∇²_yy f)⁻¹∇_y F, the solution of the lower level's linear system. Its variant MA-SOBA averages
// the directions of x.
// One iteration, all at (x^k, y^k, v^k), v⁰ = 0, h⁰ = 0:
//   y⁺ = y − β ∇_y f
//   v⁺ = v − η (∇²_yy f·v − ∇_y F)
//   d  = ∇_x F − ∇²_xy f·v
//   SOBA     x⁺ = Proj_X( x − α d )
//   MA-SOBA  x⁺ = Proj_X( x − α h ),   h⁺ = (1−θ)h + θ d
// Sources: Dagréou, Ablin, Vaiter, Moreau, "A framework for bilevel optimization that enables stochastic and global variance
// reduction algorithms", NeurIPS 2022, arXiv 2201.13409; Chen, Xiao, Balasubramanian, "Optimal Algorithms for Stochastic
// Bilevel Optimization under Relaxed Smoothness Conditions", 2023, arXiv 2306.12067 (the average).
// Notation: θ → algorithm.soba.average, η → algorithm.eta (ρ there), v → −v of the source. Its steps fall as (k+1)^−½:
// {a = …, power = -0.5}.
// Differs from the source: directions of x and y may pass through momentum or Adam; X by projection. With minibatches and x
// per row only rows of the minibatch are stepped, and their h.
// One pass and one sum of three vectors as long as y.
// Needs ∇²_yy f > 0: along directions in which it is singular, v grows without end where ∇_y F does not vanish.
#pragma once

#include "meha/solver/smooth_method.hpp"

namespace meha {

struct SobaOptions {
  Real average = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.soba.average", Rule::between(0, 1), Fixed,
                   "weight of the newest direction of x in the average of MA-SOBA; 0 or 1: no average"},
        average);
  }
};

class Soba final : public SmoothMethod {
 public:
  Soba(const AlgorithmOptions& options, const Problem& problem);
  void add_fields(const Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 private:
  void step_rows(State& s, Range rows, const Result& lower, const Result& upper, RowSums& sums) const;

  const Real average_;
  const bool averages_;
};

}  // namespace meha
