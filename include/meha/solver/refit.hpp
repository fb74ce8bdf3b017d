// SPDX-License-Identifier: MIT
// What the weights are good for: the same model trained from scratch, by an ordinary optimiser, on a choice of rows.
//   min_y  mean of ℓ_i(y) over the rows taken (+ r‖y‖²)        Adam, full batch, the same steps for every choice
#pragma once

#include <optional>

#include "meha/solver/oracle.hpp"

namespace meha {

struct RefitPlan {
  Index iterations = 300;
  Real learning_rate = 0.01;
};

/// Trains on the rows that `which` names and returns the test accuracy (on rank 0; elsewhere 0); nothing when no row is taken, the comparison does
/// not exist, a value was not finite, or a rank asked to stop (see oracle.agreed()). Collective.
/// @param x  as stored in State
std::optional<Real> refit(Oracle& oracle, Refit which, Vec& x, const RefitPlan& plan);

/// The metric of that comparison: "refit_kept", …
const char* metric_name(Refit which);

}  // namespace meha
