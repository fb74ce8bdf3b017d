// SPDX-License-Identifier: MIT
// What Slurm says of this user's jobs, and requests to stop them.
// Source: squeue, scancel and sacct of Slurm (https://slurm.schedmd.com/man_index.html); no shell is between.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// Used by one thread, but for the requests.
class Slurm {
 public:
  /// Errors: Error(Config) where its commands are not on PATH.
  Slurm();

  [[nodiscard]] const std::string& sbatch() const { return sbatch_; }
  /// Sends the requests, and asks Slurm for all jobs, at most every two seconds. Says so when it begins not to answer.
  void look();
  /// How often it has answered.
  [[nodiscard]] Index n_answers() const { return n_answers_; }
  /// State of a job in the newest answer, as squeue names it; empty: it was not there.
  [[nodiscard]] std::string state_of(const std::string& id) const;
  /// The job of this name and comment in the newest answer; empty: there was none.
  [[nodiscard]] std::string id_of(const std::string& name, const std::string& comment) const;
  /// State of a job that squeue does not know any more, as far as accounts are kept; else empty.
  [[nodiscard]] std::string accounted_state_of(const std::string& id) const;

  /// Requests, on any thread, which the next look() sends.
  /// Removes a job that waits; one that runs is left alone.
  void cancel_waiting(const std::string& id);
  /// Sends SIGUSR2 to the script of a job that runs, which asks for a checkpoint and the end.
  void signal(const std::string& id);

 private:
  void send_requests();

  std::string sbatch_, squeue_, scancel_, sacct_;
  std::map<std::string, std::string> states_;                         // by job
  std::map<std::pair<std::string, std::string>, std::string> named_;  // jobs by name and comment
  Index n_answers_ = 0;
  bool is_silent_ = false;
  std::chrono::steady_clock::time_point next_;
  std::mutex mutex_;  // of the requests
  std::vector<std::string> to_cancel_, to_signal_;
};

}  // namespace meha
