// SPDX-License-Identifier: MIT
#include "meha/solver/steps.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "curvature.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

constexpr Index n_trial_iterations = 20;
constexpr Index n_first = 3;  // of them, whose residuals the last is compared with
constexpr Index n_trials = 12;
constexpr Real move_of_x = 0.015;   // per iteration, where x is per row
constexpr Real small_factor = 1.4;  // of α, which no further trial is made for
constexpr Real adam_step = 0.01;

struct Trial {
  bool is_good = false;  // finite, and the residual did not grow
  Real step_norm_x = 0;  // of its last step
  State state;
};

/// The first iterations with these steps. @param start  x and y    Collective.
Trial try_steps(Oracle& oracle, const AlgorithmOptions& options, const State& start) {
  const auto algorithm = make_algorithm(options, oracle.problem());
  Trial trial;
  State& state = trial.state;
  oracle.forget_not_finite();
  algorithm->add_fields(oracle, state);
  state["x"] = start["x"];
  state["y"] = start["y"];
  algorithm->init(oracle, state);
  Vec residuals = Vec::Zero(3);  // largest of the first steps; last; step_norm_x
  for (Index k = 1; k <= n_trial_iterations; ++k) {
    oracle.forget_not_finite();
    algorithm->step(oracle, state);
    require_unstopped(oracle);
    if (oracle.agreed().not_finite) {
      return trial;
    }
    if (k <= n_first || k == n_trial_iterations) {
      Metrics metrics;
      algorithm->measure(oracle, state, metrics);
      oracle.on_root(
          [&] {
            residuals[1] = metrics.find("residual").value_or(0);
            residuals[0] = std::max(residuals[0], k <= n_first ? residuals[1] : 0);
            residuals[2] = metrics.find("step_norm_x").value_or(0);
          },
          residuals);
    }
  }
  trial.is_good = !oracle.agreed().not_finite && residuals[1] <= 2 * residuals[0];
  trial.step_norm_x = residuals[2];
  return trial;
}

bool is_open_auto(const Schedule& step) {
  return step.kind == Schedule::Kind::Auto && step.is_open();
}

void choose(Schedule& step, Schedule::Kind kind, Real value) {
  if (step.kind == kind && step.is_open()) {
    step.a = value;
  }
}

/// The formulas at the head of steps.hpp.
void choose_safe(const Problem& problem, AlgorithmOptions& options) {
  const auto known = problem.constants();
  if (!known) {
    throw Error(ExitCode::Config,
                "algorithm steps \"safe\": this problem does not know its Lipschitz constants; use \"auto\"");
  }
  const Real gamma = options.of<MehaOptions>().gamma;
  const Real rho = 1 / gamma - known->rho;
  if (!(rho > 0)) {
    throw Error(ExitCode::Config, "algorithm.gamma = " + shortest(gamma) + ": must be < 1/" + shortest(known->rho) +
                                      " for \"safe\" steps: the proximal lower problem is not convex otherwise");
  }
  const Real lower = known->lower;
  const Real eta = 2 / (lower + 1 / gamma + rho);
  const Real l_theta = std::max(1 / (gamma * rho), lower / rho);
  const Real l_v = lower * std::max(Real(1), l_theta) + std::max(Real(1), l_theta) / gamma;
  const Real l_i = known->upper / options.of<MehaOptions>().penalty.at(0) + lower + l_v;
  const Real c2 = l_i / 2 + (1 + 2 / eta) * (lower * lower + 1 / (gamma * gamma)) * l_theta * l_theta;
  const Real c1 = c2 + eta * l_theta * l_theta * rho / (2 * gamma * gamma);
  choose(options.alpha, Schedule::Kind::Safe, std::min(1 / (4 * c1), eta * rho));
  choose(options.beta, Schedule::Kind::Safe, std::min(1 / (4 * c2), eta * rho / 2));
  choose(options.eta, Schedule::Kind::Safe, eta);
}

/// Steps for these curvatures; those that are given stay.
struct AutoSteps {
  Real lower = 0, both = 0, along_x = 0;  // curvatures
  Real scale = 1;
  Real alpha_per_row = 0;

  void apply(const AlgorithmOptions& asked, bool per_row, AlgorithmOptions& options) const {
    const auto size = [&](const std::string& optimizer, Real curvature) {
      return optimizer == "adam" ? scale * adam_step : curvature > 0 ? scale / curvature : scale;
    };
    options.eta = asked.eta;
    options.beta = asked.beta;
    options.alpha = asked.alpha;
    const Real eta = size(asked.of<MehaOptions>().optimizer_theta, lower + 1 / asked.of<MehaOptions>().gamma);
    const Real beta = size(asked.of<DirectionOptions>().optimizer_y, both);
    const bool alike = asked.of<MehaOptions>().optimizer_theta == asked.of<DirectionOptions>().optimizer_y;
    choose(options.eta, Schedule::Kind::Auto, alike ? std::min(eta, beta) : eta);
    choose(options.beta, Schedule::Kind::Auto, alike ? std::min(eta, beta) : beta);
    choose(options.alpha, Schedule::Kind::Auto,
           per_row ? alpha_per_row : size(optimizer_of_x(asked, per_row), along_x));
  }
};

constexpr Index most_rows = 2048;  // of a level, that curvatures are found on

/// The setup of `oracle`, with so few rows a step that curvatures take little time beside the run.
Oracle::Setup sample_setup(const Oracle& oracle) {
  Oracle::Setup setup = oracle.setup();
  for (const auto& [level, batch] : {std::pair(Level::Lower, &setup.batch_lower), {Level::Upper, &setup.batch_upper}}) {
    const Index n = *batch > 0 ? *batch : oracle.problem().n_rows(level);
    *batch = n > most_rows ? most_rows : *batch;
  }
  return setup;
}

/// Collective.
void choose_auto(Oracle& oracle, AlgorithmOptions& options, const State& run_start) {
  const AlgorithmOptions asked = options;
  const bool per_row = oracle.per_row();
  const bool asks_alpha = is_open_auto(asked.alpha);
  // Adam moves x by about alpha, unless its epsilon is large. For others, whose d_x is O(1/n), a first trial has so small an alpha
  // that x stays where it is, though its steps are seen in the sums.
  const bool is_adam = optimizer_of_x(asked, per_row) == "adam";
  AutoSteps steps;
  steps.alpha_per_row = is_adam ? move_of_x : 1e-4 * static_cast<Real>(oracle.n_lower_rows());
  bool is_scaled = !per_row || !asks_alpha;
  State start = run_start;
  Oracle sample(oracle.problem(), oracle.comm(), sample_setup(oracle));
  sample.poll = oracle.poll;
  Curvature at_start(sample, asked, start);
  steps.lower = at_start.along_y(false);
  steps.both = at_start.along_y(true);
  if (!per_row && asks_alpha && !is_adam) {
    steps.along_x = at_start.along_x(1 / (steps.lower + 1 / asked.of<MehaOptions>().gamma));
  }
  const Real n_moved = static_cast<Real>(asked.batch_lower > 0 ? std::min(asked.batch_lower, oracle.n_lower_rows())
                                                               : oracle.n_lower_rows());
  for (Index i = 0; i < n_trials; ++i) {
    steps.apply(asked, per_row, options);
    Trial trial = try_steps(oracle, options, start);
    if (!trial.is_good) {
      steps.scale /= 2;
      continue;
    }
    if (!is_scaled) {
      if (!(trial.step_norm_x > 0)) {
        throw Error(ExitCode::Config, "algorithm.alpha = \"auto\": nothing moves x in the first " +
                                          std::to_string(n_trial_iterations) + " iterations; give a number");
      }
      const Real scale = move_of_x * std::sqrt(n_moved) / trial.step_norm_x;
      is_scaled = true;
      if (std::max(scale, 1 / scale) > small_factor) {
        steps.alpha_per_row *= scale;
        continue;
      }
    }
    Curvature at_end(sample, asked, trial.state);
    const Real both = at_end.along_y(true);
    if (both > 2 * steps.both) {
      steps.both = both;
      steps.lower = std::max(steps.lower, at_end.along_y(false));
      continue;
    }
    return;
  }
  throw Error(ExitCode::NotFinite, "\"auto\" found no step sizes with which " + std::to_string(n_trial_iterations) +
                                       " iterations stay bounded: raise algorithm.penalty.c, or give the steps");
}

/// To 4 digits.
std::string rounded(Real value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

}  // namespace

std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) {
  const std::array steps = {std::pair("alpha", &options.alpha), std::pair("beta", &options.beta),
                            std::pair("eta", &options.eta)};
  std::vector<const char*> open;
  bool any_safe = false;
  for (const auto& [name, step] : steps) {
    if (step->is_open()) {
      open.push_back(name);
      any_safe = any_safe || step->kind == Schedule::Kind::Safe;
    }
  }
  if (open.empty()) {
    return {};
  }
  const Timings before = oracle.timings;
  const Counts counts_before = oracle.counts;
  if (any_safe) {
    choose_safe(oracle.problem(), options);
  }
  if (std::any_of(steps.begin(), steps.end(), [](const auto& entry) { return is_open_auto(*entry.second); })) {
    choose_auto(oracle, options, start);
  }
  oracle.timings = before;
  oracle.counts = counts_before;
  oracle.forget_not_finite();
  std::string text = "steps chosen:";
  for (const auto& [name, step] : steps) {
    if (std::find(open.begin(), open.end(), name) != open.end()) {
      text += std::string(text.ends_with(":") ? " " : ", ") + name + " = " + rounded(step->a);
    }
  }
  return text;
}

CostOfChoice cost_of_choice(const PerLevel<Index>& rows) {
  const auto visits = [&](Level level, Index n_curvatures) {
    return n_curvatures * evaluations_of_curvature * std::min(most_rows, rows[level]);
  };
  PerLevel<Index> all;
  all[Level::Lower] = visits(Level::Lower, 3);  // of f and of F/c + f at the start, of F/c + f at the end
  all[Level::Upper] = visits(Level::Upper, 2);
  return {.visits = all, .n_iterations = n_trial_iterations, .n_reports = n_first + 1};
}

}  // namespace meha
