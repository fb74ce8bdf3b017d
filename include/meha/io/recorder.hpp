// SPDX-License-Identifier: MIT
// The observer that writes a run directory: metrics.jsonl, checkpoints, progress, result.h5.
#pragma once

#include <optional>

#include "meha/core/options.hpp"
#include "meha/io/background.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/io/progress.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"
#include "meha/solver/run.hpp"

namespace meha {

class Recorder final : public Observer {
 public:
  /// @param directory  locked, on rank 0
  /// @param record     of the checkpoint that the run goes on from, else with the texts that never change
  /// Errors: Error(Checkpoint), on all ranks. Collective.
  Recorder(Oracle& oracle, const RunDirectory& directory, const Options& options, Record record);

  void stepped(Index iteration) override;
  void report(const Metrics& metrics) override;
  /// A State of up to checkpoint.async_mib is copied and written beside the iterations that follow. A checkpoint that cannot
  /// be written is a warning: the older ones are there, and the next is tried when it is due.
  void checkpoint(const State& state) override;

  /// Waits for the last checkpoint. @return whether it could be written. Collective.
  bool is_saved();
  /// Waits for the last checkpoint, adds values to the last report and writes result.h5. Errors: Error(Checkpoint) when
  /// one of them cannot be written. Collective.
  /// @param solution  the state to write     @param iteration  completed
  /// @param attachments  for result.h5, on rank 0
  void finish(const State& solution, Index iteration, Status status, const Metrics& more,
              std::vector<Attachment> attachments = {});
  /// Returns the iteration of the last report, −1 when there is none. The same on all ranks.
  [[nodiscard]] Index last_reported() const { return last_reported_; }
  /// Returns the --set run.initial_state=… that starts from the newest checkpoint; empty without one. On rank 0.
  [[nodiscard]] std::string start_from_here() const;
  /// Precondition: called on rank 0.
  Progress& progress() { return *progress_; }
  [[nodiscard]] const History& history() const override { return metrics_->history(); }
  /// Returns the wall time of all process lifetimes of the run [s].
  [[nodiscard]] Real seconds() const;

 private:
  [[nodiscard]] Record record_at(const State& state, Index iteration, std::string_view status) const;
  void set_counts(Metrics& metrics) const;
  void set_timings(Metrics& metrics) const;
  void start_writing(const State& state);
  void write_now(const State& state);
  std::optional<Error> settle();
  void note_settled();
  void put(const Metrics& line);
  [[nodiscard]] std::string how_to_go_on() const;

  Oracle& oracle_;
  const RunDirectory& directory_;
  CheckpointOptions options_;
  Record base_;  // of earlier processes, but for their reports, which metrics_ has
  Index last_reported_ = -1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<MetricsFile> metrics_;
  std::optional<Progress> progress_;
  std::optional<Error> metrics_failure_;  // until they could be written again
  // The newest checkpoint, on rank 0:
  std::optional<Index> unsettled_;  // begun, and not yet known to be good or bad
  std::optional<Error> failure_;    // of one that was written by all ranks together
  Index good_ = -1;                 // iteration of the last that was written
  unsigned n_failed_ = 0;           // in a row
  State copy_;                      // what the writer writes
  Background writer_;
};

}  // namespace meha
