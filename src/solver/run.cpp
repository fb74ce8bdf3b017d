// SPDX-License-Identifier: MIT
#include "meha/solver/run.hpp"

#include <algorithm>

#include "meha/comm/ranking.hpp"
#include "meha/core/hash.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/solver/best_state.hpp"
#include "meha/solver/stop_rule.hpp"
#include "meha/solver/timed.hpp"

namespace meha {
namespace {

/// Every rank steps y and its like for itself. Collective. Errors, on all ranks: Error(Config) where they differ.
void require_same(const Communicator& comm, const State& state, const std::vector<Variable>& variables) {
  for (const auto& [name, step] : variables) {
    const Field& field = state.field(name);
    if (field.per_row) {
      continue;
    }
    const auto here = static_cast<Index>(hash_of(std::as_bytes(as_span(field.values))));
    Index of_root = here;
    comm.broadcast(of_root);
    if (comm.min(here == of_root ? 1 : 0) == 0) {
      throw AgreedError(ExitCode::Config,
                        name + " differs between ranks in iteration " + std::to_string(state.iteration) +
                            ": their processors or libraries compute differently; take equal machines");
    }
  }
}

/// Whether State is finite on every rank. Collective.
bool is_finite(const Communicator& comm, const State& state) {
  const bool here = std::all_of(state.fields().begin(), state.fields().end(),
                                [](const Field& field) { return field.values.allFinite(); });
  return comm.min(here ? 1 : 0) == 1;
}

/// One call of meha::run(). The members hold what an iteration leaves for the next.
class RunLoop {
 public:
  RunLoop(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
          Observer& observer);
  Status run();

 private:
  [[nodiscard]] bool is_scheduled() const { return state_.iteration % plan_.report_every == 0; }
  void note_requests();
  void report_if_due();
  void apply_stop_rule();
  void save_if_due();
  [[nodiscard]] std::optional<Status> verdict() const;
  void step();

  Algorithm& algorithm_;
  Oracle& oracle_;
  State& state_;
  const RunPlan& plan_;
  Observer& observer_;
  StopRule stop_rule_;      // on rank 0, which has the reports
  Index reported_, saved_;  // iterations
  Requests asked_;
  bool last_ = false;  // whether the iteration at hand is, by the plan, on request, or by the stop rule
  bool unbalanced_ = false;
  std::optional<Status> ended_;  // by the stop rule
};

RunLoop::RunLoop(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
                 Observer& observer)
    : algorithm_(algorithm),
      oracle_(oracle),
      state_(state),
      plan_(plan),
      observer_(observer),
      stop_rule_(plan),
      reported_(last_reported),
      saved_(last_reported < 0 ? -1 : state.iteration),
      asked_(oracle.take_requests()) {
  if (stop_rule_.is_set() && oracle_.comm().is_root()) {
    const History& earlier = observer_.history();
    for (std::size_t i = 0; i < earlier.size(); ++i) {
      stop_rule_.add(earlier[i]);
    }
  }
}

Status RunLoop::run() {
  for (;;) {
    activity().set(activity().iteration, state_.iteration);
    last_ = state_.iteration >= plan_.iterations || asked_.stop || asked_.time_limit;
    report_if_due();
    if (!asked_.not_finite) {
      apply_stop_rule();
      save_if_due();
    }
    if (const auto status = verdict()) {
      return *status;
    }
    step();
  }
}

void RunLoop::note_requests() {
  const Requests now = oracle_.take_requests();
  asked_.not_finite = asked_.not_finite || now.not_finite;
  asked_.stop = asked_.stop || now.stop;
  asked_.time_limit = asked_.time_limit || now.time_limit;
  asked_.checkpoint = asked_.checkpoint || now.checkpoint;
}

void RunLoop::report_if_due() {
  if (asked_.not_finite || reported_ == state_.iteration || !(last_ || is_scheduled())) {
    return;
  }
  const Doing reporting(Stage::Evaluate);
  const Metrics metrics = measure(algorithm_, oracle_, state_);
  note_requests();
  if (asked_.not_finite) {
    return;
  }
  observer_.report(metrics);
  reported_ = state_.iteration;
  if (stop_rule_.is_set() && oracle_.comm().is_root()) {
    stop_rule_.add(metrics);
  }
  if (is_scheduled()) {
    keep_if_best(oracle_.comm(), state_, metrics);
  }
}

/// All ranks go by the word of rank 0.
void RunLoop::apply_stop_rule() {
  if (!stop_rule_.is_set() || reported_ != state_.iteration || !is_scheduled()) {
    return;  // also at a report that only an interruption called for
  }
  constexpr Index go_on = -1;
  Index word = stop_rule_.status() ? static_cast<Index>(*stop_rule_.status()) : go_on;
  oracle_.comm().broadcast(word);
  if (word != go_on) {
    ended_ = static_cast<Status>(word);
    last_ = true;
  }
}

void RunLoop::save_if_due() {
  const Index k = state_.iteration;
  const bool due = plan_.checkpoint_every > 0 && k > 0 && k % plan_.checkpoint_every == 0;
  if (saved_ == k || !(last_ || due || asked_.checkpoint || unbalanced_)) {
    return;
  }
  require_same(oracle_.comm(), state_, algorithm_.variables());
  if (!is_finite(oracle_.comm(), state_)) {
    asked_.not_finite = true;
    return;
  }
  observer_.checkpoint(state_);
  saved_ = k;
  asked_.checkpoint = false;
}

/// How the run ends with the iteration at hand; nothing: it goes on.
std::optional<Status> RunLoop::verdict() const {
  if (asked_.not_finite) {
    return Status::NotFinite;
  }
  if (ended_) {
    return ended_;
  }
  if (last_) {
    return state_.iteration >= plan_.iterations ? Status::Finished : asked_.stop ? Status::Stopped : Status::TimeLimit;
  }
  return unbalanced_ ? std::optional(Status::Unbalanced) : std::nullopt;
}

void RunLoop::step() {
  algorithm_.step(oracle_, state_);
  note_requests();
  observer_.stepped(state_.iteration);
  unbalanced_ = plan_.is_unbalanced && plan_.is_unbalanced(state_.iteration);
}

}  // namespace

Metrics measure(Algorithm& algorithm, Oracle& oracle, State& state) {
  Metrics metrics;
  timed(oracle, &Timings::evaluate, Stage::Evaluate, [&] {
    metrics.iteration = state.iteration;
    algorithm.measure(oracle, state, metrics);
    oracle.measure(state["x"], state["y"], metrics);
    DoubtfulLabels* const doubtful = oracle.problem().doubtful_labels();
    if (doubtful != nullptr && doubtful->cross_fit().labels().knows_truth) {
      const auto& is_clean = doubtful->cross_fit().labels().is_clean;
      if (const auto area = auroc(oracle.comm(), oracle.owned_x(state["x"]), is_clean)) {
        metrics.set("auroc", *area);
      }
    }
  });
  return metrics;
}

Status run(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
           Observer& observer) {
  return RunLoop(algorithm, oracle, state, plan, last_reported, observer).run();
}

}  // namespace meha
