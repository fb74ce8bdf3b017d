// SPDX-License-Identifier: MIT
#include "trial.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "meha/app/labels.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/start.hpp"
#include "meha/io/config.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/certificate.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/run.hpp"
#include "meha/solver/smooth_lower.hpp"
#include "meha/solver/timed.hpp"
#include "refit.hpp"

namespace meha {
namespace {

/// "holdout_value" → "holdout_solved", "test_accuracy" → "test_accuracy_solved".
std::string solved(const std::string& metric) {
  constexpr std::string_view value = "_value";
  return (metric.ends_with(value) ? metric.substr(0, metric.size() - value.size()) : metric) + "_solved";
}

/// Makes directions plain, x per row by Adam. @return what that changes, as for --set
std::vector<std::string> reset_directions(AlgorithmOptions& options) {
  const auto values = [](DirectionOptions& directions) {
    std::vector<std::string> all;
    directions.each(
        [&](const OptionInfo& info, const auto& value) { all.push_back(std::string(info.name) + "=" + toml(value)); });
    return all;
  };
  DirectionOptions plain;
  const auto before = values(options.of<DirectionOptions>());
  auto changed = values(plain);
  std::erase_if(changed,
                [&](const std::string& setting) { return std::ranges::find(before, setting) != before.end(); });
  options.of<DirectionOptions>() = plain;
  return changed;
}

class TrialRun {
 public:
  TrialRun(const ComparePlan& plan, const TrialId& id, Contest& contest, Communicator& comm,
           const std::function<Requests()>& poll)
      : plan_(plan), id_(id), contest_(contest), comm_(comm), poll_(poll), options_(contest.options) {}

  TrialResult run() {
    try {
      begin();
    } catch (const Error& error) {
      if (error.code() != ExitCode::Config && error.code() != ExitCode::NotFinite) {
        throw;
      }
      result_.status = error.code() == ExitCode::Config ? TrialStatus::Refused : TrialStatus::Diverged;
      result_.note = error.what();
      return std::move(result_);
    }
    Real next_report = 0;
    Real spent = agreed_spending();
    Real of_step = 0;
    while (require_going_on()) {
      const bool is_last = spent + of_step > plan_.budget.amount * (1 + 1e-12);
      if (is_last || spent >= next_report) {
        report(is_last);
        next_report = plan_.every * (std::floor(spent / plan_.every) + 1);
      }
      if (is_last) {
        require_going_on();  // a stop would have cut the last measurements short
        break;
      }
      step();
      const Real before = std::exchange(spent, agreed_spending());
      of_step = spent - before;
    }
    return std::move(result_);
  }

 private:
  void begin() {
    options_.algorithm.name = name_of(id_.method);
    const bool is_configured = options_.algorithm.name == plan_.options.algorithm.name;
    if (!is_configured) {
      options_.algorithm.alpha = options_.algorithm.beta = options_.algorithm.eta = automatic();
    }
    const std::vector<std::string> of_variant = settings_of(id_.method);
    apply_settings(options_, of_variant);
    std::vector<std::string> settings;
    if (id_.trial == 0 ? !is_configured : !takes(options_.algorithm)) {
      settings = reset_directions(options_.algorithm);
    }
    settings.insert(settings.end(), of_variant.begin(), of_variant.end());
    for (const std::string& drawn : settings_of(id_, options_, contest_.scale)) {
      const std::string key = drawn.substr(0, drawn.find('=') + 1);
      if (std::ranges::none_of(of_variant, [&](const std::string& fixed) { return fixed.starts_with(key); })) {
        settings.push_back(drawn);
      }
    }
    apply_settings(options_, settings);
    algorithm_ = make_algorithm(options_.algorithm, *contest_.problem);
    oracle_.emplace(*contest_.problem, comm_, oracle_setup(options_));
    oracle_->poll = poll_;
    set_pass(options_, oracle_->iterations_per_pass());
    algorithm_->choose_steps(*oracle_, options_.algorithm, contest_.start);
    algorithm_ = make_algorithm(options_.algorithm, *contest_.problem);
    if (id_.trial == 0) {
      for (const auto& [name, step] : {std::pair{"alpha", &options_.algorithm.alpha},
                                       {"beta", &options_.algorithm.beta},
                                       {"eta", &options_.algorithm.eta}}) {
        settings.push_back(std::string("algorithm.") + name + "=" + step->toml());
      }
    }
    for (const std::string& setting : settings) {
      result_.settings += (result_.settings.empty() ? "" : "; ") + setting;
    }
    algorithm_->add_fields(*oracle_, state_);
    state_["x"] = contest_.start["x"];
    state_["y"] = contest_.start["y"];
    const auto begun = std::chrono::steady_clock::now();
    algorithm_->init(*oracle_, state_);
    seconds_ += since(begun);
  }

  /// Whether the method takes these options; some take plain directions only.
  [[nodiscard]] bool takes(const AlgorithmOptions& options) const {
    try {
      (void)make_algorithm(options, *contest_.problem);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  void step() {
    const auto begun = std::chrono::steady_clock::now();
    algorithm_->step(*oracle_, state_);
    seconds_ += since(begun);
  }

  /// Whether numbers have stayed finite. Errors: Error(Stopped) on request.
  bool require_going_on() {
    const Requests asked = oracle_->take_requests();
    if (asked.stop || asked.time_limit) {
      throw Error(ExitCode::Stopped, "asked to stop: the same command goes on with the trials that are missing");
    }
    if (asked.not_finite) {
      result_.status = TrialStatus::Diverged;
    }
    return !asked.not_finite;
  }

  static Real since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration<Real>(std::chrono::steady_clock::now() - begun).count();
  }

  /// Points and directions at all rows of a level.
  [[nodiscard]] Real visits() const {
    Real total = 0;
    for (const Level level : {Level::Lower, Level::Upper}) {
      const Counts::OfLevel& counts = oracle_->counts.level[static_cast<std::size_t>(level)];
      const Index n_rows = contest_.problem->n_rows(level);
      const Index points = counts.visits + counts.products + 2 * counts.differences;
      total += n_rows > 0 ? static_cast<Real>(points) / static_cast<Real>(n_rows) : 0;
    }
    return total;
  }

  /// What the budget counts, the same on all ranks. Collective.
  Real agreed_spending() {
    if (plan_.budget.unit == Budget::Unit::Visits) {
      return visits();
    }
    if (plan_.budget.unit == Budget::Unit::Passes) {
      return static_cast<Real>(oracle_->counts.passes);
    }
    Vec seconds(1);
    comm_.on_root([&] { seconds[0] = seconds_; }, seconds);
    return seconds[0];
  }

  /// Measures State, which stays as it is; the last report of a trial has the lower level solved as well.
  void report(bool is_last) {
    Metrics metrics = measure(*algorithm_, *oracle_, state_);
    if (const auto error = metrics.find("error_x")) {
      metrics.set("error", std::max(*error, metrics.find("error_y").value_or(0)));
    }
    timed(*oracle_, &Timings::evaluate, Stage::Evaluate, [&] { measure_lower(metrics, is_last); });
    metrics.set("visits", visits());
    for (const CountedKind& kind : counted_kinds()) {
      metrics.set(kind.metric, kind.count(oracle_->counts));
    }
    metrics.set("seconds", seconds_);
    if (contest_.start_visits > 0) {
      metrics.set("start_visits", contest_.start_visits);
    }
    if (is_last && id_.refits) {
      set_refit(*oracle_, contest_.options, state_, metrics);
    }
    result_.reports.push_back(metrics);
    oracle_->forget_not_finite();  // of what was measured: the method's own numbers are finite here
  }

  /// The residual of the lower level, and what F and the problem measure where it is solved at this x.
  void measure_lower(Metrics& metrics, bool solves) {
    const LowerSolution lower = solve_lower(*oracle_, state_["x"], state_["y"], 1 / contest_.scale.curvature,
                                            {.tolerance = 1e-6, .iterations = solves ? Index{60} : Index{0}});
    metrics.set("lower_residual", lower.residual);
    if (!solves || !lower.is_finite) {
      return;
    }
    Metrics at_solution;
    oracle_->measure(state_["x"], lower.y, at_solution);
    auto sweep = oracle_->full_sweep(state_["x"]);
    const Result& upper = sweep.upper(lower.y, Want::Value);
    sweep.run();
    metrics.set("upper_solved", upper.value);
    for (const auto& [name, value] : at_solution.values) {
      if (name.starts_with("test_") || name.starts_with("holdout_")) {
        metrics.set(solved(name), value);
      }
    }
  }

  const ComparePlan& plan_;
  const TrialId& id_;
  Contest& contest_;
  Communicator& comm_;
  const std::function<Requests()>& poll_;
  Options options_;
  std::unique_ptr<Algorithm> algorithm_;
  std::optional<Oracle> oracle_;
  State state_;
  Real seconds_ = 0;
  TrialResult result_;
};

}  // namespace

Contest make_contest(const ComparePlan& plan, Index seed, Communicator& comm, const std::function<Requests()>& poll) {
  Contest contest{.options = plan.options, .problem = {}, .start = {}, .start_visits = 0, .scale = {}};
  contest.options.run.seed += seed;
  const Simd simd = agree_on_simd(comm, contest.options.run.simd, contest.options.run.precision);
  contest.problem = make_problem(contest.options, comm, simd);
  const ModelChoice model = choose_model(contest.options, *contest.problem, comm, simd, poll, {});
  Oracle oracle(*contest.problem, comm, oracle_setup(contest.options));
  oracle.poll = poll;
  contest.start = start_of(contest.options, oracle, model, false);
  contest.scale = {.curvature = curvature_along_y(oracle, contest.start, {.lower = 1, .upper = 1}),
                   .n_rows = contest.problem->n_rows(Level::Lower),
                   .per_row = oracle.per_row()};
  if (begins_with_labels(contest.options, *contest.problem)) {
    const Real row_visits = judge_labels(oracle, contest.start).noise.row_visits;
    contest.start_visits = row_visits / static_cast<Real>(contest.scale.n_rows);
  }
  return contest;
}

TrialResult run_trial(const ComparePlan& plan, const TrialId& id, Contest& contest, Communicator& comm,
                      const std::function<Requests()>& poll) {
  return TrialRun(plan, id, contest, comm, poll).run();
}

}  // namespace meha
