// SPDX-License-Identifier: MIT
#include "meha/solver/run.hpp"

#include <algorithm>

namespace meha {
namespace {

/// Whether State is finite on every rank. Collective.
bool is_finite(const Communicator& comm, const State& state) {
  const bool here = std::all_of(state.fields().begin(), state.fields().end(),
                                [](const Field& field) { return field.values.allFinite(); });
  return comm.min(here ? 1 : 0) == 1;
}

}  // namespace

Metrics measure(Algorithm& algorithm, Oracle& oracle, State& state) {
  Timings before = oracle.timings;
  Metrics metrics;
  {
    const Stopwatch watch(before.evaluate);
    metrics.iteration = state.iteration;
    algorithm.measure(oracle, state, metrics);
    const Vec tallies = oracle.tally(state["x"], state["y"]);
    const Vec x = oracle.gather_x(state["x"]);
    if (oracle.comm().is_root()) {
      oracle.problem().measure(as_span(tallies), x, state["y"], metrics);
    }
  }
  oracle.timings = before;  // the sweeps of a report count as evaluation
  return metrics;
}

Status run(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
           Observer& observer) {
  Index reported = last_reported;
  Index saved = last_reported < 0 ? -1 : state.iteration;
  Requests asked = oracle.agreed();
  const auto note_requests = [&] {
    const Requests& now = oracle.agreed();
    asked.not_finite = asked.not_finite || now.not_finite;
    asked.stop = asked.stop || now.stop;
    asked.time_limit = asked.time_limit || now.time_limit;
    asked.checkpoint = asked.checkpoint || now.checkpoint;
  };
  for (;;) {
    const Index k = state.iteration;
    const bool last = k >= plan.iterations || asked.stop || asked.time_limit;
    if (!asked.not_finite && reported != k && (last || k % plan.report_every == 0)) {
      const Metrics metrics = measure(algorithm, oracle, state);
      note_requests();
      if (!asked.not_finite) {
        observer.report(metrics);
        reported = k;
      }
    }
    if (asked.not_finite) {
      return Status::NotFinite;
    }
    const bool due = plan.checkpoint_every > 0 && k > 0 && k % plan.checkpoint_every == 0;
    if (saved != k && (last || due || asked.checkpoint)) {
      if (!is_finite(oracle.comm(), state)) {
        return Status::NotFinite;
      }
      observer.checkpoint(state);
      saved = k;
      asked.checkpoint = false;
    }
    if (last) {
      return k >= plan.iterations ? Status::Finished : asked.stop ? Status::Stopped : Status::TimeLimit;
    }
    algorithm.step(oracle, state);
    note_requests();
    observer.stepped(state.iteration);
  }
}

}  // namespace meha
