// SPDX-License-Identifier: MIT
// Where lives of jobs go on: as processes of this machine, which may start ranks on others (process_executor.hpp), or as
// jobs of Slurm (slurm_executor.hpp). The engine alone uses it: under its lock, but for look().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job_record.hpp"
#include "spool.hpp"

namespace meha {

/// What processes of jobs find in their environment: a rank has one thread, and a file of data stands for itself.
inline const std::vector<std::string> environment_of_jobs = {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
                                                             "MEHA_ONE_FILE=1"};

/// What executors start.
struct Tools {
  std::string program;  // path of this program
  std::string launch;   // folder of the launch scripts
};

/// How a life has ended. A code that launch/until-done has left in its file counts more.
struct LifeEnd {
  std::optional<int> code = {};  // none: it was lost, and is to be followed by another
  std::string message = {};      // what there is to say of it
};

/// A life of a job that has begun.
class Life {
 public:
  virtual ~Life() = default;
  Life() = default;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  /// A descriptor that becomes readable when it ends; −1: there is none.
  [[nodiscard]] virtual int descriptor() const { return -1; }
  /// Notes in the job what is known of its place, and whether it waits or runs. @return whether something was new
  virtual bool note(JobRecord& /*job*/) { return false; }
  /// Returns nothing while it lives.
  virtual std::optional<LifeEnd> ended() = 0;
  /// Asks for a checkpoint and the end, besides the file STOP in the run directory.
  virtual void stop() {}
};

class Executor {
 public:
  virtual ~Executor() = default;
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Notes in a job that waits the state and the place in which its next life begins, to be stored before it does.
  /// @param taken  the lives at hand     @return false where there is no room
  virtual bool prepare(JobRecord& job, const std::vector<JobRecord>& taken) const = 0;
  /// Begins the life that prepare() has noted, and notes more of it. Errors: Error when it cannot begin.
  virtual std::unique_ptr<Life> start(JobRecord& job) = 0;
  /// Finds a life that an earlier process has begun. @return nothing when it has ended
  /// Errors: Error(Config) where it goes on, and only another kind of executor can follow it.
  virtual std::unique_ptr<Life> find(const JobRecord& job) = 0;
  /// Asks those who may take long to answer. Called without the lock, on one thread, now and then while there are lives.
  virtual void look() {}
};

/// The words that begin or go on with a job's run: program and arguments.
std::vector<std::string> command_of(const JobRecord& job, const Spool& spool, const std::string& program);

}  // namespace meha
