// SPDX-License-Identifier: MIT
#include "meha/solver/random_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "meha/core/random.hpp"

namespace meha {
namespace {

constexpr Real infinity = std::numeric_limits<Real>::infinity();
constexpr Index n_power_steps = 4;

bool asked_to_stop(const Oracle& oracle) {
  return oracle.agreed().stop || oracle.agreed().time_limit;
}

/// Minimises f(x,·) + g(x,·) from the start of y. Vectors are complete on rank 0; `ahead_` is everywhere.
class LowerSolver {
 public:
  explicit LowerSolver(Oracle& oracle) : oracle_(oracle), problem_(oracle.problem()) {}

  /// @return whether y is finite and nobody asked to stop. Collective.
  bool solve(Vec& x, Index n_steps, Vec& y) {
    oracle_.forget_not_finite();
    Vec start_x(x.size());
    y.resize(problem_.n_y());
    problem_.start(start_x, y);
    if (!estimate_curvature(x, y)) {
      return false;
    }
    ahead_ = y;
    t_ = 1;
    for (Index k = 0; k < n_steps; ++k) {
      if (!gradient(x)) {
        return false;
      }
      oracle_.on_root([&] { step(x, k, y); }, ahead_);
    }
    oracle_.on_root([] {}, y);
    return true;
  }

 private:
  /// grad_ ← ∇_y f(x, ahead_). Collective.
  bool gradient(Vec& x) {
    auto sweep = oracle_.full_sweep(x);
    const Result& at = sweep.lower(ahead_, Want::GradY);
    sweep.run();
    grad_ = at.grad_y;
    return !oracle_.agreed().not_finite && !asked_to_stop(oracle_);
  }

  /// Power iteration on ∇f(y + εv) − ∇f(y). Collective.
  bool estimate_curvature(Vec& x, const Vec& y) {
    constexpr Real epsilon = 0.01;
    ahead_ = y;
    if (!gradient(x)) {
      return false;
    }
    const Vec at_start = grad_;
    Vec direction = grad_;
    curvature_ = 0;
    for (Index i = 0; i < n_power_steps; ++i) {
      oracle_.on_root([&] { ahead_ = y + epsilon / std::max(direction.norm(), 1e-300) * direction; }, ahead_);
      if (!gradient(x)) {
        return false;
      }
      direction = (grad_ - at_start) / epsilon;
      curvature_ = std::max(curvature_, direction.norm());
    }
    curvature_ = curvature_ > 0 ? curvature_ : 1;
    return true;
  }

  /// Where a step shows a larger curvature, that counts; steps lost in rounding do not.
  void raise_curvature() {
    const Vec moved = ahead_ - last_ahead_;
    const Vec change = grad_ - last_grad_;
    const Real product = moved.dot(change);
    if (product > 0 && moved.norm() > 1e-3 * ahead_.norm()) {
      curvature_ = std::max(curvature_, change.squaredNorm() / product);
    }
  }

  void step(const Vec& x, Index k, Vec& y) {
    if (k > 0) {
      raise_curvature();
    }
    last_ahead_ = ahead_;
    last_grad_ = grad_;
    const Real length = 1 / (1.1 * curvature_);
    Vec next = ahead_ - length * grad_;
    problem_.prox_g(length, x, next);
    if ((ahead_ - next).dot(next - y) > 0) {
      t_ = 1;
    }
    const Real t_next = (1 + std::sqrt(1 + 4 * t_ * t_)) / 2;
    ahead_ = next + (t_ - 1) / t_next * (next - y);
    y = next;
    t_ = t_next;
  }

  Oracle& oracle_;
  Problem& problem_;
  Vec ahead_, grad_, last_ahead_, last_grad_;
  Real curvature_ = 1, t_ = 1;
};

void draw(Index seed, Index trial, OutSpan u) {
  const Real centre = random_uniform(seed, Stream::Search, trial, 0);
  for (std::size_t j = 0; j < u.size(); ++j) {
    Real noise = -2;
    for (Index i = 1; i <= 4; ++i) {
      noise += random_uniform(seed, Stream::Search, trial, 4 * static_cast<Index>(j) + i);
    }
    noise *= std::sqrt(3.0) * 2 / 15;
    u[j] = std::clamp(centre + (trial % 2 == 1 ? noise : 0), 0.0, 1.0);
  }
}

/// F(x, y(x)), infinite when that is not finite; meaningless when a rank asked to stop. Collective.
Real try_x(Oracle& oracle, LowerSolver& solver, Vec& x, Index n_steps, Vec& y) {
  if (!solver.solve(x, n_steps, y)) {
    return infinity;
  }
  auto sweep = oracle.full_sweep(x);
  const Result& at_y = sweep.upper(y, Want::Value);
  sweep.run();
  return oracle.agreed().not_finite ? infinity : at_y.value;
}

}  // namespace

Metrics random_search(Oracle& oracle, Vec& x, const SearchPlan& plan) {
  Problem& problem = oracle.problem();
  const SearchSpace* const space = problem.search_space();
  if (oracle.per_row() || space == nullptr) {
    return {};
  }
  const auto trial_visits = static_cast<Real>((plan.n_steps + n_power_steps + 1) * problem.n_rows(Level::Lower) +
                                              problem.n_rows(Level::Upper));
  const auto n_trials = static_cast<Index>(std::min(plan.row_visits / trial_visits, 1e15));
  Vec u(problem.n_x());
  Vec trial_x(problem.n_x());
  if (n_trials < 2) {
    return {};
  }
  LowerSolver solver(oracle);
  Vec y;
  Vec best_x;
  Vec best_y;
  Real best = infinity;
  Real best_shared = infinity;
  const Real solved = try_x(oracle, solver, x, plan.n_steps, y);
  for (Index trial = 0; trial < n_trials && !asked_to_stop(oracle); ++trial) {
    draw(plan.seed, trial, as_span(u));
    space->search_point(as_span(u), trial_x);
    const Real value = try_x(oracle, solver, trial_x, plan.n_steps, y);
    best_shared = trial % 2 == 0 ? std::min(best_shared, value) : best_shared;
    if (value < best) {
      best = value;
      best_x = trial_x;
      best_y = y;
    }
  }
  if (asked_to_stop(oracle) || best == infinity) {
    return {};
  }
  Metrics metrics;
  metrics.set("solved_upper_value", solved);
  metrics.set("search_upper_value", best);
  metrics.set("search_shared_upper_value", best_shared);
  metrics.set("search_trials", static_cast<Real>(n_trials));
  Metrics of_best;
  oracle.measure(best_x, best_y, of_best);
  for (const char* name : {"test_accuracy", "test_error"}) {
    if (const auto value = of_best.find(name)) {
      metrics.set(std::string("search_") + name, *value);
    }
  }
  return metrics;
}

}  // namespace meha
