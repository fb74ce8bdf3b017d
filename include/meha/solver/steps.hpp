// SPDX-License-Identifier: MIT
// Step sizes that nobody gave.
// "safe": from constants that the problem knows, with γ < 1/ρ:
//   ρ_h = 1/γ − ρ,  L_h = L_φ + 1/γ,  η = 2/(L_h + ρ_h),
//   L_θ = max(1/(γρ_h), L_φ/ρ_h),  L_v = L_φ max(1, L_θ) + max(1, L_θ)/γ,  L_I = L_F/c₀ + L_φ + L_v,
//   C₂ = L_I/2 + (1 + 2/η)(L_φ² + 1/γ²)L_θ²,  C₁ = C₂ + ηL_θ²ρ_h/(2γ²),
//   α = min(1/(4C₁), ηρ_h),  β = min(1/(4C₂), ηρ_h/2)
// They guarantee descent and are small: hundreds of times smaller than what works.
// "auto": from curvatures at the start, found by power iterations on differences of gradients over at most 2,048 rows
// of each level, those of step 0:
//   η = 1/(‖∇²_yy f‖ + 1/γ),  β = 1/‖∇²_yy(F/c₀ + f)‖,  both the smaller where y and θ have one optimiser: unlike steps
//   let y and θ part for reasons that have nothing to do with F, and d_x takes that for a signal;
//   x shared: α = 1/‖d(d_x)/dx‖, θ following its minimiser;  x per row: α such that x moves by 0.015 in the root mean
//   square (in an iteration; within a factor of 1.4);  with Adam 0.01 for y, θ and shared x
// and then a trial of 20 iterations: while residuals or curvatures grow in it, the steps are taken smaller.
// Sources of "safe": Liu, Liu, Yao, Zeng, Zhang, ICML 2024, arXiv 2405.09927, section 3.
#pragma once

#include "meha/core/options.hpp"
#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"

namespace meha {

/// Chooses the step sizes of `options` that are open; the same on any number of ranks. Collective.
/// @param start  x and y where the run begins; other fields are ignored
/// @return a sentence for people; empty when nothing was open
/// Errors, on all ranks: Error(Config) for "safe" without constants or with γ ≥ 1/ρ, and for "auto" of an x that
/// nothing moves; Error(NotFinite) when no steps work;
/// Error(Stopped) when asked to stop meanwhile.
std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start);

/// What "auto" takes where the first steps serve and x is per row.
struct CostOfChoice {
  PerLevel<Index> visits;  // of rows, by the power iterations
  Index n_iterations = 0, n_reports = 0;
};

/// @param rows  of an iteration
CostOfChoice cost_of_choice(const PerLevel<Index>& rows);

}  // namespace meha
