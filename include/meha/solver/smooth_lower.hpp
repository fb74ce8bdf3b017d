// SPDX-License-Identifier: MIT
// What methods for smooth lower levels share: the refusal of others, steps of x, curvatures, the values at State.
#pragma once

#include <functional>
#include <string>

#include "meha/solver/algorithm.hpp"
#include "meha/solver/direction.hpp"

namespace meha {

/// Errors: Error(Config) where the problem has a nonsmooth g or bounds on y.
void require_smooth_lower_level(const std::string& algorithm, const Problem& problem);

struct StepOfX {
  Range rows;   // of State's fields
  Index t = 1;  // which step of x it is, from 1
  Real step = 0;
};
/// x ← Proj_X(x − step·direction(d)) for these rows; adds ‖x − Proj_X(x − d)‖² and the square of the step to `sums`.
void step_and_sum(const Problem& problem, const Direction& direction, const StepOfX& how, State& state,
                  Eigen::Ref<Vec> x, Vec& d, RowSums& sums);

struct Weights {
  Real lower = 1, upper = 0;
};
/// ‖∇²_yy(lower·f + upper·F)‖ at the start, by power iteration on products over the rows of step 0. At least a tiny number.
/// Collective. Errors: Error(Stopped) when asked to stop meanwhile; Error(NotFinite).
Real curvature_along_y(Oracle& oracle, const State& start, const Weights& weights);

/// Whether ∇²_yy f at the start has an eigenvalue that is negative or nearly zero. It is not found where it lies among many
/// larger ones. Collective. Errors: as curvature_along_y().
bool seems_singular(Oracle& oracle, const State& start);

struct OpenSteps {
  Real alpha = 0, beta = 0, eta = 0;
};
/// Gives the open steps of `options` the values that `rule` finds. @return a sentence for people; empty: none was open
/// Errors: Error(Config) for "safe" steps.
std::string choose_open_steps(AlgorithmOptions& options, const std::function<OpenSteps()>& rule);

/// Sets upper_value and lower_value at State. Collective.
void measure_values(Oracle& oracle, State& state, Metrics& metrics);

}  // namespace meha
