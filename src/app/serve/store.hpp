// SPDX-License-Identifier: MIT
// The jobs of the service on disk: an SQLite database. What put() has returned from survives a crash of the machine.
// Source: https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "job_record.hpp"

struct sqlite3;

namespace meha {

/// A request that is to have an effect once only, however often it arrives.
struct RequestKey {
  std::string key;   // the caller's; empty: none
  std::string hash;  // of what was asked for
};

/// May be used by any number of threads.
class JobStore {
 public:
  /// Opens the database, or makes it. Errors: Error(Checkpoint), also where a later version has written it.
  explicit JobStore(const std::string& file);
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  /// All but the destructor: Error(Checkpoint) when the database cannot be read or written.
  /// Adds a job and gives it a number, which no other job ever had.
  Index add(const JobRecord& job, const RequestKey& key);
  /// The job that a request of this key has made, and the hash of that request.
  std::optional<std::pair<Index, std::string>> made_by(const std::string& key);
  /// Replaces a job.
  void put(const JobRecord& job);
  void remove(Index id);
  std::optional<JobRecord> get(Index id);
  std::vector<JobRecord> in_state(JobState state);
  /// Those of which no life is at hand, in the order in which they are to be started. @param most  how many
  std::vector<JobRecord> waiting(Index most);
  /// Those of which a life was begun, or was about to be.
  std::vector<JobRecord> in_hand();
  /// The newest first. @param before  only jobs of smaller numbers; 0: all     @param most  how many
  std::vector<JobRecord> list(std::optional<JobState> state, Index before, Index most);
  /// How many jobs there are in each state.
  std::map<JobState, Index> counts();

 private:
  class Statement;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::vector<JobRecord> read(Statement& statement);

  std::mutex mutex_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace meha
