// SPDX-License-Identifier: MIT
// What learning x is worth: the upper value that a random search over x reaches when it may visit many times as many rows.
//   trial t = 0, 1, …: u_j = centre + (t odd) noise_j, cut to [0, 1];  x = SearchSpace::search_point(u)
//     centre ~ U[0, 1];  noise_j: sum of four uniform numbers, mean 0, deviation 2/15
//   y(x) ≈ argmin_y f(x,y) + g(x,y), from the start of y, by accelerated proximal gradient steps of length 1/L, with
//     restarts; L by power iteration on differences of gradients, and raised where a step shows a larger curvature
//   the x of least F(x, y(x)) wins, once among trials with one number for all entries (t even) and once among all
// Random numbers are functions of (seed, trial, entry); all decisions are rank 0's or made on exact sums.
// Source: accelerated steps, Beck, Teboulle, 2009; restarts, O'Donoghue, Candès, 2015.
#pragma once

#include "meha/solver/oracle.hpp"

namespace meha {

struct SearchPlan {
  Index seed = 0;
  Real row_visits = 0;  // what the search may spend: rows visited at one point each
  Index n_steps = 200;  // of a trial
};

/// @param x  as the run has found it: solved_upper_value is F for it, with the lower level solved as in a trial
/// @return  solved_upper_value, search_upper_value, search_shared_upper_value, search_test_accuracy or _error (on rank
/// 0), search_trials; nothing when the problem offers no search, the budget is below two trials, or a rank asked to stop
/// (see oracle.agreed()). Collective.
Metrics random_search(Oracle& oracle, Vec& x, const SearchPlan& plan);

}  // namespace meha
