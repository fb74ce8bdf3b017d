// SPDX-License-Identifier: MIT
#include "meha/solver/meha.hpp"

#include <algorithm>
#include <cmath>

#include "meha/solver/direction.hpp"
#include "meha/solver/steps.hpp"

namespace meha {

Meha::Meha(const AlgorithmOptions& options, const Problem& problem)
    : options_(options),
      problem_(problem),
      per_row_(problem.x_layout() == XLayout::PerRow),
      n_rows_(problem.n_rows(Level::Lower)),
      direction_x_("x", optimizer_of_x(options, per_row_), options, per_row_ ? n_rows_ : 0),
      direction_y_("y", options.of<DirectionOptions>().optimizer_y, options, 0),
      direction_theta_("theta", options.of<MehaOptions>().optimizer_theta, options, 0) {}

std::vector<Variable> Meha::variables() const {
  auto all = Algorithm::variables();
  all.push_back({.name = "theta", .step = "algorithm.eta"});
  return all;
}

std::string Meha::choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const {
  return meha::choose_steps(oracle, options, start);
}

void Meha::add_fields(const Oracle& oracle, State& s) {
  const Index n_y = problem_.n_y();
  s.add("x", per_row_, oracle.stored_x_size());
  s.add("y", false, n_y);
  s.add("theta", false, n_y, 1);
  direction_x_.add_fields(s, oracle.stored_x_size());
  direction_y_.add_fields(s, n_y);
  direction_theta_.add_fields(s, n_y);
}

void Meha::init(Oracle& oracle, State& s) {
  s["theta"] = s["y"];
  auto sweep = oracle.sweep(s["x"], 0);
  const Result& at_theta = sweep.lower(s["theta"], Want::GradY);
  sweep.run();
  oracle.on_every_rank([&] { step_theta(s, 0, at_theta.grad_y); });
}

void Meha::step(Oracle& oracle, State& s) {
  const Index k = s.iteration;
  Vec& x = s["x"];
  Vec& y = s["y"];
  Vec& theta = s["theta"];  // θ^{k+1}

  auto sweep = oracle.sweep(x, k);
  const Result& at_theta = sweep.lower(theta, Want::GradX | Want::GradY);
  const Result& at_y = sweep.lower(y, Want::GradX | Want::GradY);
  sweep.add_upper(y, Want::GradX | Want::GradY, 1 / options_.of<MehaOptions>().penalty.at(k), at_y);
  const auto x_step = [&](Range rows, RowSums& sums) { step_x(s, rows, at_y, at_theta, sums); };
  sweep.between_halves(std::cref(x_step));
  sweep.run();
  if (oracle.agreed().not_finite) {  // the run ends here, and y and θ show why
    s.iteration = k + 1;
    return;
  }

  oracle.on_every_rank([&] {
    last_.x = std::sqrt(sweep.row_sums().residual_square);
    last_.step_x = std::sqrt(sweep.row_sums().step_square);
    step_y(s, at_y.grad_y);
    step_theta(s, k + 1, at_theta.grad_y);
  });
  s.iteration = k + 1;
}

/// x⁺ = Proj_X(x − α·direction(d_x)) on these rows.
void Meha::step_x(State& s, Range rows, const Result& at_y, const Result& at_theta, RowSums& sums) {
  const Real alpha = options_.alpha.at(s.iteration, n_rows_);
  auto x = s["x"].segment(rows.begin, rows.size());
  if (d_x_.size() < rows.size()) {
    d_x_.resize(rows.size());
    moved_x_.resize(rows.size());
  }
  auto d = d_x_.head(rows.size());
  auto moved = moved_x_.head(rows.size());
  d = at_y.grad_x.segment(rows.begin, rows.size()) - at_theta.grad_x.segment(rows.begin, rows.size());
  if (!per_row_) {
    problem_.add_grad_x_g(1, x, s["y"], d);
    problem_.add_grad_x_g(-1, x, s["theta"], d);
  }
  moved = x - d;
  problem_.project_x(moved);
  for (Index i = 0; i < rows.size(); ++i) {
    sums.residual_square += (x[i] - moved[i]) * (x[i] - moved[i]);
  }
  direction_x_.apply(s, rows, s.iteration + 1, {d.data(), static_cast<std::size_t>(d.size())});
  moved = x - alpha * d;
  problem_.project_x(moved);
  for (Index i = 0; i < rows.size(); ++i) {
    sums.step_square += (x[i] - moved[i]) * (x[i] - moved[i]);
  }
  x = moved;
}

/// Calls step(part) for all of y: at once where g may couple its numbers, else as many at a time as the cache holds.
template <class Step>
void Meha::for_portions_of_y(Step&& step) {
  constexpr Index portion = 4096;
  const Index n = problem_.n_y();
  const Index at_once = problem_.has_g() ? n : std::min(n, portion);
  for (Vec* scratch : {&d_, &planned_, &moved_}) {
    scratch->resize(at_once);
  }
  for (Index first = 0; first < n; first += at_once) {
    step(Range{first, std::min(first + at_once, n)});
  }
}

/// y⁺ = Prox_{β g̃(x⁺,·)}(y − β·direction(d_y)). @param grad  ∇_y F(x⁺,y)/c_k + ∇_y f(x⁺,y)
void Meha::step_y(State& s, In grad) {
  const Real beta = options_.beta.at(s.iteration, n_rows_);
  const Vec no_x;
  const Vec& x = per_row_ ? no_x : s["x"];
  Real residual_square = 0;
  Real step_square = 0;
  for_portions_of_y([&](Range part) {
    const auto y = s["y"].segment(part.begin, part.size());
    const auto theta = s["theta"].segment(part.begin, part.size());
    auto d = d_.head(part.size());
    auto moved = moved_.head(part.size());
    d = grad.segment(part.begin, part.size()) - (y - theta) / options_.of<MehaOptions>().gamma;
    moved = y - d;
    problem_.prox_g(1, x, moved);
    residual_square += (y - moved).squaredNorm();
    step_square += take_step(s, direction_y_, part, s.iteration + 1, beta, s["y"]);
  });
  last_.y = std::sqrt(residual_square);
  last_.step_y = std::sqrt(step_square);
}

/// θ⁺ = Prox_{η g̃(x,·)}(θ − η·direction(∇_y f(x,θ) + (θ−y)/γ)), the θ-step of iteration k.
void Meha::step_theta(State& s, Index k, In grad) {
  const Real eta = options_.eta.at(k, n_rows_);
  const Vec no_x;
  const Vec& x = per_row_ ? no_x : s["x"];
  Real residual_square = 0;
  for_portions_of_y([&](Range part) {
    const auto y = s["y"].segment(part.begin, part.size());
    const auto theta = s["theta"].segment(part.begin, part.size());
    auto d = d_.head(part.size());
    auto moved = moved_.head(part.size());
    d = grad.segment(part.begin, part.size()) + (theta - y) / options_.of<MehaOptions>().gamma;
    moved = theta - eta * d;
    problem_.prox_g(eta, x, moved);
    residual_square += (theta - moved).squaredNorm();
    take_step(s, direction_theta_, part, k + 1, eta, s["theta"]);
  });
  last_.theta = eta > 0 ? std::sqrt(residual_square) / eta : 0;
}

/// v ← Prox_{step·g̃(x,·)}(v − step·direction(d_)) on this part of v. @return the square of the step's length
Real Meha::take_step(State& s, const Direction& direction, Range part, Index t, Real step, Vec& v) {
  const Vec no_x;
  auto here = v.segment(part.begin, part.size());
  auto d = d_.head(part.size());
  auto planned = planned_.head(part.size());
  auto moved = moved_.head(part.size());
  direction.apply(s, part, t, {d.data(), static_cast<std::size_t>(d.size())});
  planned = here - step * d;
  moved = planned;
  problem_.prox_g(step, per_row_ ? no_x : s["x"], moved);
  if (problem_.has_g()) {
    direction.settle(s, step, planned_, moved_);
  }
  const Real square = (here - moved).squaredNorm();
  here = moved;
  return square;
}

void Meha::measure(Oracle& oracle, State& s, Metrics& metrics) {
  Vec& x = s["x"];
  const Vec& y = s["y"];
  const Vec& theta = s["theta"];
  auto sweep = oracle.full_sweep(x);
  const Result& lower_y = sweep.lower(y, Want::Value);
  const Result& lower_theta = sweep.lower(theta, Want::Value);
  const Result& upper_y = sweep.upper(y, Want::Value);
  sweep.run();
  const Vec no_x;
  const Vec& shared_x = per_row_ ? no_x : x;
  const Real phi_y = lower_y.value + problem_.g(shared_x, y);
  const Real phi_theta = lower_theta.value + problem_.g(shared_x, theta);
  metrics.set("upper_value", upper_y.value);
  metrics.set("lower_value", phi_y);
  metrics.set("gap", phi_y - phi_theta - (theta - y).squaredNorm() / (2 * options_.of<MehaOptions>().gamma));
  if (last_.x >= 0) {
    metrics.set("residual", std::max({last_.x, last_.y, last_.theta}));
    metrics.set("residual_x", last_.x);
    metrics.set("residual_y", last_.y);
    metrics.set("residual_theta", last_.theta);
    metrics.set("step_norm_x", last_.step_x);
    metrics.set("step_norm_y", last_.step_y);
  }
}

}  // namespace meha
