// SPDX-License-Identifier: MIT
// Runs the jobs of a store, each in a run directory of the spool, where an executor lets them go on.
//
// Before a life begins, the store says that it does, and where; what is begun can be found again (executor.hpp). So another
// engine on the same store, after this process was killed at any moment, finds those that run and those that have ended,
// whose code stands in a file, and starts anew what was lost, from its checkpoint.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "meha/core/host.hpp"
#include "changes.hpp"
#include "executor.hpp"
#include "process.hpp"
#include "spool.hpp"
#include "store.hpp"

namespace meha {

double unix_time();  // [s]

/// Why a job cannot do what was asked for: the state that it is in.
class WrongState : public Error {
 public:
  explicit WrongState(const std::string& message) : Error(ExitCode::Config, message) {}
};

/// May be used by any number of threads.
class Engine {
 public:
  /// Finds the jobs that run, and begins. @param program  path of this program     @param slots  ranks at a time, of all
  /// jobs together     Errors: Error(Checkpoint); Error(Config) where another kind of executor is needed.
  Engine(JobStore& store, const Spool& spool, Executor& executor, Changes& changes, std::string program, Index slots);
  /// Starts nothing more. The jobs go on.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] Index slots() const { return slots_; }
  /// A job, and whether it was there before.
  struct Submitted {
    Index id;
    bool was_there;
  };
  /// Adds a job, unless the same request has already made one. @param config  of its run; empty: the command needs none
  /// Errors: WrongState where another request had the key; Error(Checkpoint).
  Submitted submit(JobRecord job, const std::string& config, const RequestKey& key);
  /// The following take a job as it is in the store. Errors: WrongState; Error(Checkpoint).
  /// Asks for a checkpoint and the end; a job that waits is stopped at once.
  void cancel(Index id);
  /// Queues a job that is over. @param settings  besides those it has     @param iterations  to complete; 0: not known
  void resume(Index id, const std::vector<std::string>& settings, Index iterations);
  /// Removes a job that is not running, and its files.
  void remove(Index id);
  /// Begins to write report.html of a job that has a result.
  void make_report(Index id);
  /// Removes a file that was uploaded. @return whether it was there
  /// Errors: WrongState where a job that is not finished reads it; Error(Checkpoint).
  bool remove_upload(const std::string& name);

 private:
  struct LifeAtHand {
    std::unique_ptr<Life> life;
    std::optional<LifeEnd> end;
  };
  JobRecord expect(Index id);
  void put(const JobRecord& job);
  void find_jobs();
  void loop();
  void turn();
  void wait();
  void wake();
  void reap();
  void end_life(JobRecord job, LifeEnd end);
  void reap_reporters();
  void start_queued();
  bool start(JobRecord job);
  void ask_to_stop(Index id) const;
  void look_after();

  JobStore& store_;
  const Spool& spool_;
  Executor& executor_;
  Changes& changes_;
  std::string program_;
  Index slots_;
  std::mutex mutex_;  // of all but the waiting
  std::map<Index, LifeAtHand> lives_;
  std::map<Index, Process> reporters_;
  std::map<Index, FileStamp> seen_;  // metrics of running jobs
  bool must_retry_ = false;          // a job could not start yet
  int wakeup_ = -1;
  std::atomic<bool> must_end_ = false;
  std::thread thread_;
};

}  // namespace meha
