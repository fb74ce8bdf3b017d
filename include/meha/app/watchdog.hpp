// SPDX-License-Identifier: MIT
// Ends a job that is stuck. Each rank has a thread that watches this rank's Activity. Without progress for limit_s
//   a rank at work of its own is the culprit: it says so and ends the job;
//   a rank that waits for others is a victim, unless others of its host make progress: it lets the culprit speak first,
//   then says which ranks of its host do not wait (a stopped process cannot speak for itself), and ends the job.
// The ranks of a host read each other's Activity from shared memory; MPI, which may be what is stuck, is not asked.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "meha/comm/communicator.hpp"
#include "meha/core/activity.hpp"

namespace meha {

/// Waits until all ranks have answered once. Where they cannot reach each other MPI would wait for ever: then this ends the
/// job with exit code 71, after MEHA_CONTACT_S (60) seconds. Collective.
void make_contact(const Communicator& comm);

class Watchdog {
 public:
  /// @param limit_s  0: does not watch     Collective.
  Watchdog(const Communicator& comm, Real limit_s);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  /// A rank of this host.
  struct Peer {
    int rank;
    Index pid;
    const Activity* activity;
  };
  void meet_peers(const Communicator& comm);
  void watch();
  [[nodiscard]] std::uint64_t progress() const;
  [[noreturn]] void end_job(Real silent_s) const;
  [[nodiscard]] std::string stuck_peers() const;

  int rank_, size_;
  Real limit_s_;
  Activity* mine_ = nullptr;  // shared with the host
  int file_ = -1;
  std::vector<Peer> peers_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace meha
