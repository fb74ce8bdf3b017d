// SPDX-License-Identifier: MIT
#include "meha/io/recorder.hpp"

#include <array>

#include "meha/solver/best_state.hpp"

namespace meha {
namespace {

struct Stage {
  const char* metric;
  Real Timings::*time;
};
constexpr std::array stages = {Stage{"compute_s", &Timings::compute}, Stage{"allreduce_s", &Timings::allreduce},
                               Stage{"update_s", &Timings::update}, Stage{"evaluate_s", &Timings::evaluate},
                               Stage{"checkpoint_s", &Timings::checkpoint}};

}  // namespace

Recorder::Recorder(Oracle& oracle, const RunDirectory& directory, const Options& options, Record record)
    : oracle_(oracle), directory_(directory), options_(options.checkpoint), base_(std::move(record)) {
  Communicator& comm = oracle_.comm();
  comm.root_or_none([&] {
    metrics_.emplace(directory_.file("metrics.jsonl"), base_.history);
    progress_.emplace(directory_.file("run.log"), options.run.iterations, base_.iteration);
    last_reported_ = base_.history.empty() ? -1 : base_.history.back().iteration;
  });
  comm.broadcast(last_reported_);
}

Real Recorder::seconds() const {
  const auto earlier = base_.numbers.find("seconds");
  return (earlier != base_.numbers.end() ? earlier->second : 0) +
         std::chrono::duration<Real>(std::chrono::steady_clock::now() - start_).count();
}

void Recorder::set_timings(Metrics& metrics) const {
  metrics.set("seconds", seconds());
  for (const Stage& stage : stages) {
    const auto earlier = base_.numbers.find(stage.metric);
    metrics.set(stage.metric, (earlier != base_.numbers.end() ? earlier->second : 0) + oracle_.timings.*stage.time);
  }
}

void Recorder::stepped(Index iteration) {
  if (progress_) {
    progress_->stepped(iteration);
  }
}

void Recorder::report(const Metrics& metrics) {
  last_reported_ = metrics.iteration;
  oracle_.comm().root_or_none([&] {
    Metrics line = metrics;
    set_timings(line);
    metrics_->put(line);
    progress_->report(line);
  });
}

Record Recorder::record_at(const State& state, Index iteration, std::string_view status) const {
  Record record = base_;
  record.iteration = iteration;
  record.solution_iteration = solution_iteration(state);
  record.ranks = oracle_.comm().size();
  record.texts["status"] = status;
  if (metrics_) {
    record.history = metrics_->history();
  }
  Metrics timings;
  set_timings(timings);
  for (const auto& [name, value] : timings.values) {
    record.numbers[name] = value;
  }
  return record;
}

void Recorder::checkpoint(const State& state) {
  const Stopwatch watch(oracle_.timings.checkpoint);
  Communicator& comm = oracle_.comm();
  comm.root_or_none([&] { metrics_->sync(); });
  write_state(directory_.checkpoint_file(state.iteration), comm, state, oracle_.stored_rows(),
              record_at(state, state.iteration, "running"));
  if (comm.is_root()) {
    directory_.keep_last(state.iteration, options_.keep);
  }
}

void Recorder::finish(const State& solution, Index iteration, Status status, const Metrics& more) {
  Communicator& comm = oracle_.comm();
  comm.root_or_none([&] {
    if (!metrics_->history().empty() && metrics_->history().back().iteration == iteration) {
      Metrics line = metrics_->history().back();
      for (const auto& [name, value] : more.values) {
        line.set(name, value);
      }
      set_timings(line);
      metrics_->put(line);
    }
    metrics_->sync();
  });
  write_state(directory_.file("result.h5"), comm, solution, oracle_.stored_rows(),
              record_at(solution, iteration, name(status)));
}

}  // namespace meha
