// SPDX-License-Identifier: MIT
#include "meha/solver/refit.hpp"

#include "meha/solver/direction.hpp"

namespace meha {
namespace {

/// ∇ of what counts once in the lower level, whichever rows are taken: a regulariser of the model.
Vec whole_gradient(const Problem& problem, const Vec& y) {
  Vec grad = Vec::Zero(y.size());
  Share share{.value = 0, .grad_x = {}, .grad_y = as_span(grad)};
  problem.add_whole(Level::Lower, {}, {.y = as_span(y), .want = Want::GradY}, share);
  return grad;
}

/// Adam on the mean of ℓ over the rows taken, plus the model's regulariser.
/// @param x_hard  ±∞ per stored row     @param scale  n / rows taken
std::optional<Vec> train(Oracle& oracle, Refit which, Vec& x_hard, Real scale, const RefitPlan& plan) {
  State state;
  Vec& y = state.add("y", false, oracle.problem().n_y());
  const Direction adam("y", "adam", AlgorithmOptions(), 0);
  Direction(adam).add_fields(state, y.size());
  Vec start_x(x_hard.size());
  oracle.problem().start(start_x, y);
  Vec d;
  for (Index t = 1; t <= plan.iterations; ++t) {
    auto sweep = oracle.full_sweep(x_hard);
    const Result& at_y = which == Refit::Validation ? sweep.upper(y, Want::GradY) : sweep.lower(y, Want::GradY);
    sweep.run();
    const Requests& asked = oracle.agreed();
    if (asked.not_finite || asked.stop || asked.time_limit) {
      return std::nullopt;
    }
    oracle.on_root(
        [&] {
          const Vec whole = whole_gradient(oracle.problem(), y);
          d = which == Refit::Validation ? Vec(at_y.grad_y + whole) : Vec(scale * (at_y.grad_y - whole) + whole);
          adam.apply(state, {0, y.size()}, t, as_span(d));
          y -= plan.learning_rate * d;
        },
        y);
  }
  return y;
}

}  // namespace

const char* metric_name(Refit which) {
  switch (which) {
    case Refit::Kept:
      return "refit_kept";
    case Refit::Corrupted:
      return "refit_corrupted";
    case Refit::Validation:
      return "refit_validation";
    case Refit::Clean:
      return "refit_clean";
  }
  return "";
}

std::optional<Real> refit(Oracle& oracle, Refit which, Vec& x, const RefitPlan& plan) {
  Problem& problem = oracle.problem();
  if (!problem.has_refit(which)) {
    return std::nullopt;
  }
  Vec taken(oracle.owned_rows().size());
  problem.select_rows(which, oracle.owned_rows(), oracle.owned_x(x), as_span(taken));
  Vec x_hard = oracle.stored_x(std::move(taken));
  Real n_taken = static_cast<Real>((x_hard.array() > 0).count());
  oracle.comm().sum({&n_taken, 1});
  if (n_taken == 0) {
    return std::nullopt;
  }
  const Real scale = which == Refit::Validation ? 1 : static_cast<Real>(oracle.n_lower_rows()) / n_taken;
  const auto y = train(oracle, which, x_hard, scale, plan);
  if (!y) {
    return std::nullopt;
  }
  const Vec tallies = oracle.tally(x_hard, *y);
  Metrics metrics;
  if (oracle.comm().is_root()) {
    problem.measure(as_span(tallies), Vec(), *y, metrics);
  }
  return metrics.find("test_accuracy").value_or(0);
}

}  // namespace meha
