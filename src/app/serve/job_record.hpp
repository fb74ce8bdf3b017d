// SPDX-License-Identifier: MIT
// A job of the service as its database keeps it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// Queued: waits for slots, or where it has a place, for a scheduler. Running: its processes were started, or are about to be. Stopping: the same, and a checkpoint
/// and the end were asked for. Stopped: on request, can be resumed. Finished: exit code 0. Failed: another exit code.
/// Deleting: its files are being removed.
enum class JobState : int { Queued, Running, Stopping, Stopped, Finished, Failed, Deleting };

std::string_view name(JobState state);
/// Returns nothing for a word that is no state that people see.
std::optional<JobState> job_state_of(std::string_view name);
/// Whether it has ended and nothing will happen unless somebody asks for it.
inline bool is_over(JobState state) {
  return state == JobState::Stopped || state == JobState::Finished || state == JobState::Failed;
}

struct JobRecord {
  Index id = 0;
  std::string name = {};
  std::vector<std::string> words = {};  // of the command, from the verb on, without --out, --set and the run directory
  std::vector<std::string> settings = {};  // a.b=value; the last of equals wins
  Index ranks = 1, priority = 0;  // of two jobs that wait the one of higher priority, then the older one, comes first
  Index iterations = 0;           // to complete; 0: not known
  JobState state = JobState::Queued;
  std::optional<int> code = {};                // exit code of the last life that has ended
  std::string message = {};                    // what there is to say of its end
  double created = 0, started = 0, ended = 0;  // Unix time [s]; 0: not yet
  Index starts = 0;                            // lives so far
  Index lost = 0;                              // of them those that were killed, in a row
  std::int64_t pid = 0, pid_ticks = 0;  // of the life at hand, and when it began [ticks since boot]; 0: not noted
  std::string place = {};               // of the life at hand: hosts, or its job of a scheduler; empty: this machine
};

/// Whether a life of it was begun, and has not ended.
inline bool is_active(const JobRecord& job) {
  return job.state == JobState::Running || job.state == JobState::Stopping ||
         (job.state == JobState::Queued && !job.place.empty());
}

}  // namespace meha
