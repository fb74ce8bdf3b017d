// SPDX-License-Identifier: MIT
#include "meha/solver/smooth_lower.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "meha/core/random.hpp"

namespace meha {

void require_smooth_lower_level(const std::string& algorithm, const Problem& problem) {
  if (problem.has_g()) {
    throw Error(ExitCode::Config,
                "algorithm.name = " + toml(algorithm) +
                    ": needs a smooth lower level with y unbounded; this problem has a nonsmooth g or "
                    "bounds on y (a problem without says so by has_g()); \"meha\" takes it");
  }
}

void step_and_sum(const Problem& problem, const Direction& direction, const StepOfX& how, State& state,
                  Eigen::Ref<Vec> x, Vec& d, RowSums& sums) {
  Vec moved = x - d;
  problem.project_x(moved);
  for (Index i = 0; i < x.size(); ++i) {
    sums.residual_square += (x[i] - moved[i]) * (x[i] - moved[i]);
  }
  direction.apply(state, how.rows, how.t, as_span(d));
  moved = x - how.step * d;
  problem.project_x(moved);
  for (Index i = 0; i < x.size(); ++i) {
    sums.step_square += (x[i] - moved[i]) * (x[i] - moved[i]);
  }
  x = moved;
}

namespace {

/// ‖shift·I + ∇²_yy(lower·f + upper·F)‖, from below.
Real length_by_power_iteration(Oracle& oracle, const State& start, const Weights& weights, Real shift) {
  constexpr Index n_iterations = 20;
  constexpr Real least = 1e-12;
  const Counts counts_before = oracle.counts;
  const Timings timings_before = oracle.timings;
  Vec x = start["x"];
  const Vec& y = start["y"];
  Vec v(y.size());
  for (Index i = 0; i < v.size(); ++i) {
    v[i] = random_uniform(0, Stream::Steps, 0, i) - 0.5;
  }
  v.normalize();
  Real largest = least;
  for (Index t = 0; t < n_iterations; ++t) {
    auto sweep = oracle.sweep(x, 0);
    const Result& lower = sweep.lower(y, Want::HessY, &v);
    const Result* upper = weights.upper > 0 ? &sweep.upper(y, Want::HessY, &v) : nullptr;
    sweep.run();
    if (oracle.agreed().stop || oracle.agreed().time_limit) {
      throw Error(ExitCode::Stopped, "asked to stop while choosing step sizes: nothing was begun");
    }
    if (oracle.agreed().not_finite) {
      throw Error(ExitCode::NotFinite, "second derivatives at the start are not finite or too large");
    }
    v = shift * v + weights.lower * lower.hess_y;
    if (upper != nullptr) {
      v += weights.upper * upper->hess_y;
    }
    const Real length = v.norm();
    largest = std::max(largest, length);
    if (!(length > least)) {
      break;
    }
    v /= length;
  }
  oracle.counts = counts_before;
  oracle.timings = timings_before;
  return largest;
}

}  // namespace

Real curvature_along_y(Oracle& oracle, const State& start, const Weights& weights) {
  return length_by_power_iteration(oracle, start, weights, 0);
}

bool seems_singular(Oracle& oracle, const State& start) {
  constexpr Real small = 1e-4;
  const Real largest = curvature_along_y(oracle, start, {.lower = 1, .upper = 0});
  return largest - length_by_power_iteration(oracle, start, {.lower = -1, .upper = 0}, largest) < small * largest;
}

std::string choose_open_steps(AlgorithmOptions& options, const std::function<OpenSteps()>& rule) {
  std::string text;
  OpenSteps found;
  const auto choose = [&](const char* name, Schedule& step, Real OpenSteps::*value) {
    if (!step.is_open()) {
      return;
    }
    if (step.kind == Schedule::Kind::Safe) {
      throw Error(ExitCode::Config,
                  std::string("algorithm.") + name + " = \"safe\": is for meha; use \"auto\" or a number");
    }
    if (text.empty()) {
      found = rule();
    }
    step.a = found.*value;
    std::array<char, 64> line{};
    std::snprintf(line.data(), line.size(), "%s%s = %.4g", text.empty() ? "steps chosen: " : ", ", name, step.a);
    text += line.data();
  };
  choose("alpha", options.alpha, &OpenSteps::alpha);
  choose("beta", options.beta, &OpenSteps::beta);
  choose("eta", options.eta, &OpenSteps::eta);
  return text;
}

void measure_values(Oracle& oracle, State& state, Metrics& metrics) {
  auto sweep = oracle.full_sweep(state["x"]);
  const Result& lower = sweep.lower(state["y"], Want::Value);
  const Result& upper = sweep.upper(state["y"], Want::Value);
  sweep.run();
  metrics.set("upper_value", upper.value);
  metrics.set("lower_value", lower.value);
}

}  // namespace meha
