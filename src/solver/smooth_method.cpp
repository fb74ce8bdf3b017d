// SPDX-License-Identifier: MIT
#include "meha/solver/smooth_method.hpp"

#include <algorithm>
#include <cmath>

namespace meha {

SmoothMethod::SmoothMethod(Traits traits, const AlgorithmOptions& options, const Problem& problem)
    : options_(options),
      problem_(problem),
      per_row_(problem.x_layout() == XLayout::PerRow),
      n_rows_(problem.n_rows(Level::Lower)),
      traits_(std::move(traits)),
      direction_x_("x", traits_.plain_steps ? "sgd" : optimizer_of_x(options, per_row_), options,
                   per_row_ ? n_rows_ : 0),
      direction_y_("y", traits_.plain_steps ? "sgd" : options.of<DirectionOptions>().optimizer_y, options, 0) {
  require_smooth_lower_level(traits_.name, problem);
  if (!traits_.refuses_minibatches.empty() && (options.batch_lower > 0 || options.batch_upper > 0)) {
    throw Error(ExitCode::Config,
                "algorithm.name = " + toml(traits_.name) +
                    ": needs algorithm.batch_lower = algorithm.batch_upper = 0: " + traits_.refuses_minibatches);
  }
  if (!traits_.refuses_optimizer_y.empty() && options.of<DirectionOptions>().optimizer_y != "sgd") {
    throw Error(ExitCode::Config, "algorithm.name = " + toml(traits_.name) +
                                      ": needs algorithm.optimizer_y = \"sgd\": " + traits_.refuses_optimizer_y);
  }
}

std::vector<Variable> SmoothMethod::variables() const {
  auto all = Algorithm::variables();
  for (const std::string& helper : traits_.helpers) {
    all.push_back({.name = helper, .step = "algorithm.eta"});
  }
  return all;
}

std::string SmoothMethod::choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const {
  std::string text = choose_open_steps(options, [&] {
    return steps_from(options, 1 / curvature_along_y(oracle, start, traits_.along_y),
                      1 / curvature_along_y(oracle, start, {.lower = 1, .upper = 0}));
  });
  if (traits_.inverts && !text.empty() && seems_singular(oracle, start)) {
    text += "\nwarning: " + traits_.name + " needs a lower level that is strongly convex in y; at the start it is not";
  }
  return text;
}

OpenSteps SmoothMethod::steps_from(const AlgorithmOptions& options, Real beta, Real eta) const {
  const bool adam = !traits_.plain_steps && optimizer_of_x(options, per_row_) == "adam";
  const Real alpha = traits_.alpha_by_beta * beta;
  return {.alpha = adam ? 0.01 : per_row_ ? alpha * static_cast<Real>(n_rows_) : alpha, .beta = beta, .eta = eta};
}

void SmoothMethod::add_fields(const Oracle& oracle, State& s) {
  if (traits_.needs_local_x && oracle.is_remote()) {
    throw Error(ExitCode::Config,
                "algorithm.name = " + toml(traits_.name) + ": needs comm.placement = \"sharded\" where x is per row");
  }
  s.add("x", per_row_, oracle.stored_x_size());
  s.add("y", false, problem_.n_y());
  for (const std::string& helper : traits_.helpers) {
    s.add(helper, false, problem_.n_y(), traits_.ahead);
  }
  direction_x_.add_fields(s, oracle.stored_x_size());
  direction_y_.add_fields(s, problem_.n_y());
}

void SmoothMethod::step_x(State& s, Range rows, Real step, Vec& d, RowSums& sums) const {
  auto x = s["x"].segment(rows.begin, rows.size());
  step_and_sum(problem_, direction_x_, {.rows = rows, .t = s.iteration + 1, .step = step}, s, x, d, sums);
}

void SmoothMethod::step_all_of_x(Oracle& oracle, State& s, Real step, Vec& d) {
  RowSums sums;
  if (per_row_) {  // what all ranks' rows add up to is not known here
    step_x(s, {0, s["x"].size()}, step, d, sums);
    return;
  }
  oracle.on_root(
      [&] {
        step_x(s, {0, s["x"].size()}, step, d, sums);
        note_x(sums);
      },
      s["x"]);
}

void SmoothMethod::note_x(const RowSums& sums) {
  last_.x = std::sqrt(sums.residual_square);
  last_.step_x = std::sqrt(sums.step_square);
  last_.is_summed = true;
}

void SmoothMethod::step_y(State& s, Vec& y, Index t, Real step, Vec& d) {
  last_.y = d.norm();
  direction_y_.apply(s, {0, y.size()}, t, as_span(d));
  last_.step_y = step * d.norm();
  y -= step * d;
  has_stepped_ = true;
}

void SmoothMethod::note(const char* metric, Real value) {
  const auto known = std::ranges::find(last_.own, metric, &std::pair<std::string, Real>::first);
  if (known != last_.own.end()) {
    known->second = value;
  } else {
    last_.own.emplace_back(metric, value);
  }
}

void SmoothMethod::measure(Oracle& oracle, State& s, Metrics& metrics) {
  measure_values(oracle, s, metrics);
  if (!has_stepped_) {
    return;
  }
  Real residual = std::max(last_.is_summed ? last_.x : 0, last_.y);
  for (const auto& [name, value] : last_.own) {
    metrics.set(name, value);
    residual = name.starts_with("residual_") ? std::max(residual, value) : residual;
  }
  if (last_.is_summed) {
    metrics.set("residual_x", last_.x);
    metrics.set("step_norm_x", last_.step_x);
  }
  metrics.set("residual", residual);
  metrics.set("residual_y", last_.y);
  metrics.set("step_norm_y", last_.step_y);
}

}  // namespace meha
