// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "meha/core/random.hpp"
#include "meha/solver/direction.hpp"

namespace meha {
namespace {

/// Numbers of one role lie between these, log-uniformly.
struct Span {
  Real low = 0, high = 0;
};

constexpr Span steps{0.05, 2};         // divided by the curvature
constexpr Span steps_of_rows{1, 300};  // times the number of rows
constexpr Span steps_by_adam{0.01, 1};
constexpr Span weights_of_upper{0.01, 10};
constexpr Span envelopes{1, 100};
constexpr Span shares{0.05, 0.95};
constexpr Span horizons{10, 1000};
constexpr std::array<Index, 3> inner_steps{1, 3, 10};

Span steps_of_x(const AlgorithmOptions& options, const StepScale& scale) {
  if (optimizer_of_x(options, scale.per_row) == "adam") {
    return steps_by_adam;
  }
  const Span span = scale.per_row ? steps_of_rows : steps;
  const Real factor = scale.per_row ? static_cast<Real>(scale.n_rows) : 1 / scale.curvature;
  return {span.low * factor, span.high * factor};
}

/// Three digits, which are what the run gets and what is printed.
std::string rounded(Real value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2e", value);
  return shortest(std::strtod(text.data(), nullptr));
}

Real at(Span span, Real u) {
  return span.low * std::pow(span.high / span.low, u);
}

class Draw {
 public:
  Draw(const TrialId& id, const AlgorithmOptions& options, const StepScale& scale, Index seed)
      : options_(options), scale_(scale), seed_(seed), trial_(id.trial) {}

  [[nodiscard]] std::string value(Role role) const {
    const Real u = uniform(role);
    switch (role) {
      case Role::StepOfX:
        return rounded(at(steps_of_x(options_, scale_), u));
      case Role::StepOfY:
        return rounded(step_of_y());
      case Role::StepOfHelper:
        return rounded(at(steps, u) / scale_.curvature);
      case Role::StepInMetric: {
        const bool adam = optimizer_of_x(options_, scale_.per_row) == "adam";
        return rounded(adam ? at(steps_by_adam, uniform(Role::StepOfX)) : step_of_y());
      }
      case Role::StepOnPenalised:
        return rounded(step_of_y() * std::min(1.0, weight_of_upper()));
      case Role::StepOnWeighted:
        return rounded(step_of_y() / std::max(1.0, weight_of_upper()));
      case Role::StepOfXByY:
        return rounded(at(steps_of_x(options_, scale_), uniform(Role::StepOfX)) / step_of_y());
      case Role::Factor:
        return rounded(at(steps, uniform(Role::StepOfHelper)));
      case Role::Penalty:
        return rounded(1 / weight_of_upper());
      case Role::WeightOfUpper:
        return rounded(weight_of_upper());
      case Role::InnerSteps:
        return std::to_string(inner_steps.at(static_cast<std::size_t>(u * inner_steps.size())));
      case Role::Envelope:
        return rounded(at(envelopes, u));
      case Role::Share:
        return rounded(at(shares, u));
      case Role::Horizon:
        return rounded(at(horizons, u));
    }
    return {};
  }

 private:
  [[nodiscard]] Real uniform(Role role) const {
    return random_uniform(seed_, Stream::Trials, trial_, static_cast<Index>(role));
  }
  [[nodiscard]] Real weight_of_upper() const { return at(weights_of_upper, uniform(Role::Penalty)); }
  [[nodiscard]] Real step_of_y() const { return at(steps, uniform(Role::StepOfY)) / scale_.curvature; }

  const AlgorithmOptions& options_;
  const StepScale& scale_;
  Index seed_, trial_;
};

/// The number a text begins with, and what follows it.
std::pair<Real, std::string> number_and_rest(const std::string& option, const std::string& text, const char* form) {
  char* end = nullptr;
  const Real number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !(number > 0) || !std::isfinite(number)) {
    throw Error(ExitCode::Config, option + " " + toml(text) + ": must be a number above 0, as in " + form);
  }
  std::string rest = end;
  rest.erase(0, rest.find_first_not_of(' '));
  return {number, rest};
}

}  // namespace

Budget parse_budget(const std::string& option, const std::string& text) {
  const auto [amount, unit] = number_and_rest(option, text, "\"600 visits\", \"200 passes\" or \"60 s\"");
  if (unit == "visits" || unit == "visit") {
    return {.unit = Budget::Unit::Visits, .amount = amount};
  }
  if (unit == "passes" || unit == "pass") {
    return {.unit = Budget::Unit::Passes, .amount = amount};
  }
  if (unit == "s" || unit == "seconds") {
    return {.unit = Budget::Unit::Seconds, .amount = amount};
  }
  throw Error(ExitCode::Config, option + " " + toml(text) + ": its unit must be visits, passes or s");
}

bool is_larger_better(const std::string& metric) {
  constexpr std::array words = {"accuracy", "auroc", "precision", "recall", "f1", "r2", "refit"};
  return std::ranges::any_of(words, [&](const char* word) { return metric.find(word) != std::string::npos; });
}

Target parse_target(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw Error(ExitCode::Config, "--until " + toml(text) + ": must be a metric and a number, as in auroc=0.97");
  }
  const std::string metric = text.substr(0, equals);
  const auto [value, rest] = number_and_rest("--until", text.substr(equals + 1), "auroc=0.97");
  if (!rest.empty()) {
    throw Error(ExitCode::Config, "--until " + toml(text) + ": " + toml(rest) + " follows the number");
  }
  return {.metric = metric, .value = value, .is_larger_better = is_larger_better(metric)};
}

bool Target::is_reached(const Metrics& report) const {
  const auto found = report.find(metric);
  return found && (is_larger_better ? *found >= value : *found <= value);
}

std::string name_of(const std::string& method) {
  return method.substr(0, method.find(':'));
}

std::vector<std::string> settings_of(const std::string& method) {
  std::vector<std::string> settings;
  const std::string name = name_of(method);
  for (std::size_t at = method.find(':'); at != std::string::npos;) {
    const std::size_t next = method.find(':', at + 1);
    settings.push_back("algorithm." + name + "." + method.substr(at + 1, next - at - 1));
    at = next;
  }
  return settings;
}

ComparePlan compare_plan(const CompareArguments& arguments) {
  ComparePlan plan;
  plan.methods = arguments.algorithms;
  plan.n_tuned = arguments.n_tuned;
  plan.n_seeds = arguments.n_seeds;
  plan.n_jobs = arguments.n_jobs;
  plan.select = arguments.select;
  plan.baselines = arguments.baselines;
  plan.directory = arguments.out;
  for (std::size_t i = 0; i < plan.methods.size(); ++i) {
    (void)algorithm_info(name_of(plan.methods[i]));
    if (std::find(plan.methods.begin(), plan.methods.begin() + static_cast<std::ptrdiff_t>(i), plan.methods[i]) !=
        plan.methods.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw Error(ExitCode::Config, "--algorithms: " + plan.methods[i] + " stands there twice");
    }
  }
  plan.budget = parse_budget("--budget", arguments.budget);
  plan.every = plan.budget.amount / 24;
  if (!arguments.every.empty()) {
    const Budget every = parse_budget("--every", arguments.every);
    if (every.unit != plan.budget.unit) {
      throw Error(ExitCode::Config, "--every " + toml(arguments.every) + ": must have the unit of --budget");
    }
    plan.every = every.amount;
    constexpr Real most_reports = 1e5;
    if (plan.every * most_reports < plan.budget.amount) {
      throw Error(ExitCode::Config,
                  "--every " + toml(arguments.every) + ": asks for more than 100,000 reports of a trial");
    }
  }
  if (!arguments.until.empty()) {
    plan.until = parse_target(arguments.until);
  }
  return plan;
}

std::string TrialId::file() const {
  std::string label;
  for (const char c : method) {
    std::array<char, 8> code{};
    std::snprintf(code.data(), code.size(), "%%%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '=';
    label += is_plain ? std::string(1, c) : code.data();
  }
  return label + "-" + std::to_string(trial) + "-seed" + std::to_string(seed) + (refits ? "-refit" : "") + ".jsonl";
}

std::vector<std::string> settings_of(const TrialId& id, const Options& options, const StepScale& scale) {
  if (id.trial == 0) {
    return {};
  }
  std::vector<Tuned> all = {
      {"algorithm.alpha", Role::StepOfX}, {"algorithm.beta", Role::StepOfY}, {"algorithm.eta", Role::StepOfHelper}};
  for (const Tuned& tuned : algorithm_info(name_of(id.method)).tuned) {
    const auto same = [&](const Tuned& other) { return std::string(other.option) == tuned.option; };
    const auto known = std::ranges::find_if(all, same);
    (known != all.end() ? *known : all.emplace_back()) = tuned;
  }
  const Draw draw(id, options.algorithm, scale, options.run.seed - id.seed);
  std::vector<std::string> settings;
  for (const Tuned& tuned : all) {
    settings.push_back(std::string(tuned.option) + "=" + draw.value(tuned.role));
  }
  return settings;
}

}  // namespace meha
