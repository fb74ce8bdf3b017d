// SPDX-License-Identifier: MIT
// The observer that writes a run directory: metrics.jsonl, checkpoints, progress, result.h5.
#pragma once

#include <optional>

#include "meha/core/options.hpp"
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
  void checkpoint(const State& state) override;

  /// Adds values to the last report and writes result.h5. Collective.
  /// @param solution  the state to write     @param iteration  completed
  void finish(const State& solution, Index iteration, Status status, const Metrics& more);
  /// Iteration of the last report, −1 when there is none. The same on all ranks.
  [[nodiscard]] Index last_reported() const { return last_reported_; }
  /// On rank 0.
  Progress& progress() { return *progress_; }
  [[nodiscard]] std::span<const Metrics> history() const override { return metrics_->history(); }
  /// Wall time of all lives [s].
  [[nodiscard]] Real seconds() const;

 private:
  [[nodiscard]] Record record_at(const State& state, Index iteration, std::string_view status) const;
  void set_timings(Metrics& metrics) const;

  Oracle& oracle_;
  const RunDirectory& directory_;
  CheckpointOptions options_;
  Record base_;  // of earlier lives
  Index last_reported_ = -1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<MetricsFile> metrics_;
  std::optional<Progress> progress_;
};

}  // namespace meha
