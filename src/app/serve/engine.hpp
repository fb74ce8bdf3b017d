// SPDX-License-Identifier: MIT
// Runs the jobs of a store on this machine: each as launch/until-done, which starts the program on its ranks, in a run
// directory of the spool.
//
// Before a life begins, the store says that it does; its processes hold a lock while they live (process.hpp). So another
// engine on the same store, after this process was killed at any moment, finds those that run and those that have ended,
// whose code stands in a file, and starts anew what was killed, from its checkpoint.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "meha/core/host.hpp"
#include "changes.hpp"
#include "process.hpp"
#include "spool.hpp"
#include "store.hpp"

namespace meha {

/// What the service may do, and with what.
struct EngineOptions {
  std::string program;  // path of this program
  std::string launch;   // folder of the launch scripts
  Index slots = 1;      // ranks at a time, of all jobs together
};

double unix_time();  // [s]

/// What processes of jobs find in their environment: a rank has one thread, and a file of data stands for itself.
inline const std::vector<std::string> environment_of_jobs = {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
                                                             "MEHA_ONE_FILE=1"};

/// Why a job cannot do what was asked for: the state that it is in.
class WrongState : public Error {
 public:
  explicit WrongState(const std::string& message) : Error(ExitCode::Config, message) {}
};

/// May be used by any number of threads.
class Engine {
 public:
  /// Finds the jobs that run, and begins. Errors: Error(Checkpoint).
  Engine(JobStore& store, const Spool& spool, EngineOptions options, Changes& changes);
  /// Starts nothing more. The jobs go on.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] Index slots() const { return options_.slots; }
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

 private:
  struct Life {
    Process process;
    Index ranks;
    std::optional<ProcessEnd> end;
  };
  JobRecord expect(Index id);
  void put(const JobRecord& job);
  void find_jobs();
  void loop();
  void wait();
  void wake();
  void reap();
  void end_life(JobRecord job, ProcessEnd end);
  void reap_reporters();
  void start_queued();
  bool start(JobRecord job);
  [[nodiscard]] ProcessStart start_of(const JobRecord& job) const;
  void ask_to_stop(Index id) const;
  void look_after();

  JobStore& store_;
  const Spool& spool_;
  EngineOptions options_;
  Changes& changes_;
  std::mutex mutex_;  // of all but the waiting
  std::map<Index, Life> lives_;
  std::map<Index, Process> reporters_;
  std::map<Index, FileStamp> seen_;  // metrics of running jobs
  bool must_retry_ = false;          // a job could not start yet
  int wakeup_ = -1;
  std::atomic<bool> must_end_ = false;
  std::thread thread_;
};

}  // namespace meha
