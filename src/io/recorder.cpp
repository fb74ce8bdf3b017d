// SPDX-License-Identifier: MIT
#include "meha/io/recorder.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <utility>

#include "meha/core/host.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/durable.hpp"
#include "meha/solver/best_state.hpp"

namespace meha {
namespace {

struct TimedStage {
  const char* metric;
  Real Timings::*time;
};
constexpr std::array stages = {
    TimedStage{"compute_s", &Timings::compute},   TimedStage{"allreduce_s", &Timings::allreduce},
    TimedStage{"update_s", &Timings::update},     TimedStage{"start_s", &Timings::start},
    TimedStage{"evaluate_s", &Timings::evaluate}, TimedStage{"checkpoint_s", &Timings::checkpoint}};

}  // namespace

Recorder::Recorder(Oracle& oracle, const RunDirectory& directory, const Options& options, Record record)
    : oracle_(oracle), directory_(directory), options_(options.checkpoint), base_(std::move(record)) {
  Communicator& comm = oracle_.comm();
  start_ -= std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<Real>(oracle_.timings.start));  // what the run starts from was fitted before
  comm.root_or_none([&] {
    metrics_.emplace(directory_.file("metrics.jsonl"), std::exchange(base_.history, {}),
                     [this] { directory_.check_is_mine(); });
    progress_.emplace(directory_.file("run.log"), options.run.iterations.iterations(oracle_.iterations_per_pass()),
                      base_.iteration);
    Hdf5File::prepare();
    if (file_exists(directory_.checkpoint_file(base_.iteration), ExitCode::Checkpoint)) {
      good_ = base_.iteration;
    }
    const History& reports = metrics_->history();
    last_reported_ = reports.empty() ? -1 : reports.iteration(reports.size() - 1);
  });
  comm.broadcast(last_reported_);
}

Real Recorder::seconds() const {
  const auto earlier = base_.numbers.find("seconds");
  return (earlier != base_.numbers.end() ? earlier->second : 0) +
         std::chrono::duration<Real>(std::chrono::steady_clock::now() - start_).count();
}

void Recorder::set_counts(Metrics& metrics) const {
  for (const CountedKind& kind : counted_kinds()) {
    const auto earlier = base_.numbers.find(kind.metric);
    const Real total = (earlier != base_.numbers.end() ? earlier->second : 0) + kind.count(oracle_.counts);
    if (total > 0) {
      metrics.set(kind.metric, total);
    }
  }
}

void Recorder::set_timings(Metrics& metrics) const {
  metrics.set("seconds", seconds());
  for (const TimedStage& stage : stages) {
    const auto earlier = base_.numbers.find(stage.metric);
    metrics.set(stage.metric, (earlier != base_.numbers.end() ? earlier->second : 0) + oracle_.timings.*stage.time);
  }
}

void Recorder::stepped(Index iteration) {
  if (progress_) {
    if (unsettled_ && writer_.is_done()) {
      note_settled();
    }
    progress_->stepped(iteration);
  }
}

void Recorder::report(const Metrics& metrics) {
  last_reported_ = metrics.iteration;
  oracle_.comm().root_or_none([&] {
    Metrics line = metrics;
    set_counts(line);
    set_timings(line);
    put(line);
    progress_->report(line);
  });
}

/// The metrics also stand in every checkpoint, so a run need not end when their file cannot be written.
void Recorder::put(const Metrics& line) {
  try {
    metrics_->put(line);
    if (std::exchange(metrics_failure_, std::nullopt)) {
      progress_->say("metrics.jsonl could be written again, no line is missing");
    }
  } catch (const Error& error) {
    if (!metrics_failure_) {
      progress_->warn(std::string(error.what()) +
                      "; its lines are kept in memory and in the checkpoints, and tried again with each report");
    }
    metrics_failure_ = error;
  }
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
  Metrics totals;
  set_counts(totals);
  set_timings(totals);
  for (const auto& [name, value] : totals.values) {
    record.numbers[name] = value;
  }
  return record;
}

void Recorder::checkpoint(const State& state) {
  const Stopwatch watch(oracle_.timings.checkpoint, Stage::Checkpoint);
  if (oracle_.comm().is_root()) {
    note_settled();
    unsettled_ = state.iteration;
  }
  constexpr Index mib = Index{1} << 20;
  if (whole_bytes(state, oracle_.stored_rows()) <= options_.async_mib * mib && options_.async_mib > 0) {
    start_writing(state);
  } else {
    write_now(state);
  }
}

void Recorder::start_writing(const State& state) {
  Communicator& comm = oracle_.comm();
  gather_state(comm, state, oracle_.stored_rows(), copy_);
  if (comm.is_root()) {
    writer_.start([this, record = record_at(state, state.iteration, "running"), sync = !metrics_failure_] {
      directory_.check_is_mine();
      if (sync) {
        sync_file(directory_.file("metrics.jsonl"));
      }
      write_whole_state(directory_.checkpoint_file(record.iteration), copy_, record);
      directory_.keep_last(record.iteration, options_.keep);
    });
  }
}

void Recorder::write_now(const State& state) {
  Communicator& comm = oracle_.comm();
  try {
    comm.root_or_none([&] {
      directory_.check_is_mine();
      if (!metrics_failure_) {
        metrics_->sync();
      }
    });
    write_state(directory_.checkpoint_file(state.iteration), comm, state, oracle_.stored_rows(),
                record_at(state, state.iteration, "running"));
    if (comm.is_root()) {
      directory_.keep_last(state.iteration, options_.keep);
    }
  } catch (const AgreedError& error) {
    failure_ = error;
  }
}

/// Waits for the newest checkpoint. @return why it could not be written
std::optional<Error> Recorder::settle() {
  auto failure = writer_.wait();
  if (failure_) {
    failure = std::exchange(failure_, std::nullopt);
  }
  const auto iteration = std::exchange(unsettled_, std::nullopt);
  if (iteration && !failure) {
    good_ = *iteration;
    if (std::exchange(n_failed_, 0U) > 0) {
      progress_->say("checkpoints can be written again: there is one of iteration " + std::to_string(good_));
    }
  }
  return failure;
}

void Recorder::note_settled() {
  const auto iteration = unsettled_;
  const auto failure = settle();
  if (failure && std::has_single_bit(++n_failed_)) {  // not every time: the log may be on the full disk
    progress_->warn("no checkpoint of iteration " + std::to_string(*iteration) + ": " + failure->what() +
                    "; the run goes on, the next one is tried when it is due. " +
                    (good_ < 0 ? "There is no older one" : "The newest is " + directory_.checkpoint_file(good_)));
  }
}

bool Recorder::is_saved() {
  Index saved = 1;
  if (oracle_.comm().is_root()) {
    const auto iteration = unsettled_;
    note_settled();
    saved = !iteration || good_ == *iteration ? 1 : 0;
  }
  oracle_.comm().broadcast(saved);
  return saved == 1;
}

std::string Recorder::how_to_go_on() const {
  const std::string newest = good_ < 0 ? "" : directory_.checkpoint_file(good_);
  return newest.empty() || access(newest.c_str(), F_OK) != 0
             ? "There is no older checkpoint"
             : newest + " is whole: when there is room again, \"meha resume " + shell_word(directory_.path()) +
                   "\" goes on from there";
}

std::string Recorder::start_from_here() const {
  return good_ < 0 ? ""
                   : "; --set run.initial_state=" + shell_word(directory_.checkpoint_file(good_)) +
                         " begins it at the last finite checkpoint";
}

void Recorder::finish(const State& solution, Index iteration, Status status, const Metrics& more,
                      std::vector<Attachment> attachments) {
  Communicator& comm = oracle_.comm();
  comm.root_or_none([&] {
    directory_.check_is_mine();
    if (status == Status::NotFinite) {
      note_settled();
    } else if (const auto failure = settle()) {
      throw Error(ExitCode::Checkpoint, std::string(failure->what()) + ". " + how_to_go_on());
    }
    const History& reports = metrics_->history();
    if (!reports.empty() && reports.iteration(reports.size() - 1) == iteration) {
      Metrics line = reports.back();
      for (const auto& [name, value] : more.values) {
        line.set(name, value);
      }
      set_timings(line);
      put(line);
    }
    try {
      metrics_->sync();
      metrics_failure_.reset();
    } catch (const Error& error) {  // result.h5 has the metrics too: it comes first
      metrics_failure_ = error;
    }
  });
  try {
    Record record = record_at(solution, iteration, name(status));
    record.attachments = std::move(attachments);
    write_state(directory_.file("result.h5"), comm, solution, oracle_.stored_rows(), record);
    comm.agree(metrics_failure_);
  } catch (const AgreedError& error) {
    throw AgreedError(error.code(), std::string(error.what()) + ". " + how_to_go_on());
  }
}

}  // namespace meha
