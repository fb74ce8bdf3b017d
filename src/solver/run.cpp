// SPDX-License-Identifier: MIT
#include "meha/solver/run.hpp"

#include <algorithm>

#include "meha/comm/ranking.hpp"
#include "meha/solver/best_state.hpp"

namespace meha {
namespace {

/// Whether State is finite on every rank. Collective.
bool is_finite(const Communicator& comm, const State& state) {
  const bool here = std::all_of(state.fields().begin(), state.fields().end(),
                                [](const Field& field) { return field.values.allFinite(); });
  return comm.min(here ? 1 : 0) == 1;
}

/// Whether `report` is better than `best` (null: anything is): on held-out rows where there are any, else by the residual.
bool has_progressed(const Metrics& report, const Metrics* best) {
  if (report.find("holdout_value") || (best != nullptr && best->find("holdout_value"))) {
    return best == nullptr || is_better(report, *best);
  }
  const auto residual = report.find("residual");
  return residual && (best == nullptr || *residual < *best->find("residual"));
}

/// Rank 0 has the reports; all ranks go by its word. Collective.
std::optional<Status> agreed_stop_rule(Communicator& comm, const RunPlan& plan, const Observer& observer) {
  if (plan.stop_residual <= 0 && plan.stop_error <= 0 && plan.stop_no_progress <= 0) {
    return std::nullopt;
  }
  constexpr Index go_on = -1;
  Index word = go_on;
  if (comm.is_root()) {
    const auto status = stop_rule(plan, observer.history());
    word = status ? static_cast<Index>(*status) : go_on;
  }
  comm.broadcast(word);
  return word == go_on ? std::nullopt : std::optional(static_cast<Status>(word));
}

}  // namespace

Metrics measure(Algorithm& algorithm, Oracle& oracle, State& state) {
  Timings before = oracle.timings;
  const Counts counts_before = oracle.counts;
  Metrics metrics;
  {
    const Stopwatch watch(before.evaluate, Stage::Evaluate);
    metrics.iteration = state.iteration;
    algorithm.measure(oracle, state, metrics);
    const Vec tallies = oracle.tally(state["x"], state["y"]);
    if (oracle.comm().is_root()) {
      oracle.problem().measure(as_span(tallies), oracle.per_row() ? Vec() : state["x"], state["y"], metrics);
    }
    if (const auto clean = oracle.problem().clean_rows()) {
      if (const auto area = auroc(oracle.comm(), oracle.owned_x(state["x"]), *clean)) {
        metrics.set("auroc", *area);
      }
    }
  }
  oracle.timings = before;  // the sweeps of a report count as evaluation
  oracle.counts = counts_before;
  return metrics;
}

std::optional<Status> stop_rule(const RunPlan& plan, std::span<const Metrics> reports) {
  if (reports.empty()) {
    return std::nullopt;
  }
  const Metrics& last = reports.back();
  const auto residual = last.find("residual");
  if (plan.stop_residual > 0 && residual && *residual <= plan.stop_residual) {
    return Status::Converged;
  }
  const auto error_x = last.find("error_x");
  const auto error_y = last.find("error_y");
  if (plan.stop_error > 0 && error_x && error_y && std::max(*error_x, *error_y) <= plan.stop_error) {
    return Status::ErrorReached;
  }
  if (plan.stop_no_progress > 0) {
    const Metrics* best = nullptr;
    for (const Metrics& report : reports) {
      if (report.iteration % plan.report_every == 0 && has_progressed(report, best)) {
        best = &report;
      }
    }
    if (best != nullptr && last.iteration - best->iteration >= plan.stop_no_progress) {
      return Status::NoProgress;
    }
  }
  return std::nullopt;
}

Status run(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
           Observer& observer) {
  Index reported = last_reported;
  Index saved = last_reported < 0 ? -1 : state.iteration;
  Requests asked = oracle.take_requests();
  bool unbalanced = false;
  const auto note_requests = [&] {
    const Requests now = oracle.take_requests();
    asked.not_finite = asked.not_finite || now.not_finite;
    asked.stop = asked.stop || now.stop;
    asked.time_limit = asked.time_limit || now.time_limit;
    asked.checkpoint = asked.checkpoint || now.checkpoint;
  };
  for (;;) {
    const Index k = state.iteration;
    activity().set(activity().iteration, k);
    bool last = k >= plan.iterations || asked.stop || asked.time_limit;
    std::optional<Status> ended;
    if (!asked.not_finite && reported != k && (last || k % plan.report_every == 0)) {
      const Doing reporting(Stage::Evaluate);
      const Metrics metrics = measure(algorithm, oracle, state);
      note_requests();
      if (!asked.not_finite) {
        observer.report(metrics);
        reported = k;
        if (k % plan.report_every == 0) {
          keep_if_best(oracle.comm(), state, metrics);
        }
      }
    }
    if (asked.not_finite) {
      return Status::NotFinite;
    }
    if (reported == k && k % plan.report_every == 0) {  // not at a report that only an interruption called for
      ended = agreed_stop_rule(oracle.comm(), plan, observer);
      last = last || ended;
    }
    const bool due = plan.checkpoint_every > 0 && k > 0 && k % plan.checkpoint_every == 0;
    if (saved != k && (last || due || asked.checkpoint || unbalanced)) {
      if (!is_finite(oracle.comm(), state)) {
        return Status::NotFinite;
      }
      observer.checkpoint(state);
      saved = k;
      asked.checkpoint = false;
    }
    if (ended) {
      return *ended;
    }
    if (last) {
      return k >= plan.iterations ? Status::Finished : asked.stop ? Status::Stopped : Status::TimeLimit;
    }
    if (unbalanced) {
      return Status::Unbalanced;
    }
    algorithm.step(oracle, state);
    note_requests();
    observer.stepped(state.iteration);
    unbalanced = plan.is_unbalanced && plan.is_unbalanced(state.iteration);
  }
}

}  // namespace meha
