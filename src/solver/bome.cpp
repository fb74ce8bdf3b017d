// SPDX-License-Identifier: MIT
#include "meha/solver/bome.hpp"

#include <algorithm>
#include <cmath>

#include "meha/solver/direction.hpp"
#include "meha/solver/smooth_lower.hpp"

namespace meha {

Bome::Bome(const AlgorithmOptions& options, const Problem& problem)
    : options_(options),
      problem_(problem),
      per_row_(problem.x_layout() == XLayout::PerRow),
      n_rows_(problem.n_rows(Level::Lower)),
      direction_x_("x", optimizer_of_x(options, per_row_), options, per_row_ ? n_rows_ : 0),
      direction_y_("y", options.of<DirectionOptions>().optimizer_y, options, 0) {
  require_smooth_lower_level("bome", problem);
  if (options.batch_lower > 0 || options.batch_upper > 0) {
    throw Error(
        ExitCode::Config,
        "algorithm.name = \"bome\": needs algorithm.batch_lower = algorithm.batch_upper = 0: on minibatches its "
        "multiplier is biased");
  }
}

std::string Bome::choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const {
  return choose_open_steps(options, [&] {
    const Real step = 1 / curvature_along_y(oracle, start, {.lower = 1, .upper = 1});
    const bool adam = optimizer_of_x(options, per_row_) == "adam";
    return OpenSteps{.alpha = adam       ? 0.01
                              : per_row_ ? step * static_cast<Real>(n_rows_)
                                         : step,
                     .beta = step,
                     .eta = 1 / curvature_along_y(oracle, start, {.lower = 1, .upper = 0})};
  });
}

void Bome::add_fields(const Oracle& oracle, State& s) {
  if (oracle.is_remote()) {
    throw Error(ExitCode::Config, "algorithm.name = \"bome\": needs comm.placement = \"sharded\" where x is per row");
  }
  s.add("x", per_row_, oracle.stored_x_size());
  s.add("y", false, problem_.n_y());
  direction_x_.add_fields(s, oracle.stored_x_size());
  direction_y_.add_fields(s, problem_.n_y());
}

void Bome::init(Oracle& /*oracle*/, State& /*s*/) {}

/// The inner loop. Every rank computes the same y_t from the same sums.
void Bome::estimate(Oracle& oracle, State& s) {
  const Real b = options_.eta.at(s.iteration, n_rows_);
  Barrier& here = barrier_;
  {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(s["y"], Want::Value | Want::GradX | Want::GradY);
    const Result& upper = sweep.upper(s["y"], Want::GradX | Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    here = {.q = lower.value,
            .grad_x_q = lower.grad_x,
            .grad_y_q = lower.grad_y,
            .grad_x_upper = upper.grad_x,
            .grad_y_upper = upper.grad_y};
  }
  inner_ = s["y"] - b * here.grad_y_q;
  for (Index t = 1; t < options_.of<BomeOptions>().inner; ++t) {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(inner_, Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    inner_ -= b * lower.grad_y;
  }
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(inner_, Want::Value | Want::GradX);
  sweep.same_rows_next();
  sweep.after([&](Range rows, RowSums& sums) {
    auto of_rows = here.grad_x_q.segment(rows.begin, rows.size());
    of_rows -= lower.grad_x.segment(rows.begin, rows.size());
    sums.residual_square += of_rows.squaredNorm();
  });
  sweep.run();
  here.q -= lower.value;
  here.square_x = sweep.row_sums().residual_square;
}

/// λ.
Real Bome::multiplier() const {
  constexpr Real tiny = 1e-8;
  const Barrier& here = barrier_;
  const Real square = here.square_x + here.grad_y_q.squaredNorm();
  const Real product = (per_row_ ? 0 : here.grad_x_upper.dot(here.grad_x_q)) + here.grad_y_upper.dot(here.grad_y_q);
  const Real barrier = options_.of<BomeOptions>().rate * (options_.of<BomeOptions>().phi == "norm" ? square : here.q);
  return std::max(barrier - product, Real(0)) / (square + tiny);
}

void Bome::step(Oracle& oracle, State& s) {
  estimate(oracle, s);
  if (!oracle.agreed().not_finite) {
    Vec lambda(1);
    RowSums sums;
    oracle.on_root(
        [&] {
          lambda[0] = multiplier();
          step_y(s, lambda[0]);
          if (!per_row_) {
            step_x(s, lambda[0], sums);
            last_.x = std::sqrt(sums.residual_square);
            last_.step_x = std::sqrt(sums.step_square);
          }
        },
        lambda, s["y"]);
    if (per_row_) {
      step_x(s, lambda[0], sums);
      last_.x = lambda[0] * std::sqrt(barrier_.square_x);
    } else {
      oracle.on_root([] {}, s["x"]);
    }
  }
  s.iteration += 1;
}

/// All of x that is stored here.
void Bome::step_x(State& s, Real lambda, RowSums& sums) const {
  Vec d = lambda * barrier_.grad_x_q;
  if (!per_row_) {  // F contains x
    d += barrier_.grad_x_upper;
  }
  const StepOfX how{.rows = {0, d.size()}, .t = s.iteration + 1, .step = options_.alpha.at(s.iteration, n_rows_)};
  step_and_sum(problem_, direction_x_, how, s, s["x"], d, sums);
}

void Bome::step_y(State& s, Real lambda) {
  Vec& y = s["y"];
  const Real beta = options_.beta.at(s.iteration, n_rows_);
  Vec d = barrier_.grad_y_upper + lambda * barrier_.grad_y_q;
  last_.gap = barrier_.q;
  last_.y = d.norm();
  direction_y_.apply(s, {0, y.size()}, s.iteration + 1, as_span(d));
  last_.step_y = beta * d.norm();
  y -= beta * d;
}

void Bome::measure(Oracle& oracle, State& s, Metrics& metrics) {
  measure_values(oracle, s, metrics);
  if (last_.x >= 0) {
    metrics.set("gap", last_.gap);
    metrics.set("residual", std::max(last_.x, last_.y));
    metrics.set("residual_x", last_.x);
    metrics.set("residual_y", last_.y);
    if (!per_row_) {
      metrics.set("step_norm_x", last_.step_x);
    }
    metrics.set("step_norm_y", last_.step_y);
  }
}

}  // namespace meha
