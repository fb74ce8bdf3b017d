// SPDX-License-Identifier: MIT
// The folder of a service:
//   jobs.db   serve.lock   runs/ID (run directories)   configs/ID.toml   output/ID.log (what processes have said)
//   locks/ID.LIFE, locks/ID.LIFE.code (exit codes) and locks/ID.LIFE.reply (of a scheduler)   uploads/NAME
#pragma once

#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

class Spool {
 public:
  /// Makes the folders that are missing, for this user only. @param path  of the folder; becomes absolute, without links
  /// Errors: Error(Checkpoint).
  explicit Spool(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string database() const { return path_ + "/jobs.db"; }
  [[nodiscard]] std::string service_lock() const { return path_ + "/serve.lock"; }
  [[nodiscard]] std::string uploads() const { return path_ + "/uploads"; }
  [[nodiscard]] std::string run(Index id) const { return path_ + "/runs/" + std::to_string(id); }
  [[nodiscard]] std::string config(Index id) const { return path_ + "/configs/" + std::to_string(id) + ".toml"; }
  [[nodiscard]] std::string output(Index id) const { return path_ + "/output/" + std::to_string(id) + ".log"; }
  [[nodiscard]] std::string lock(Index id, Index life) const {
    return path_ + "/locks/" + std::to_string(id) + "." + std::to_string(life);
  }
  /// Where a life leaves its exit code.
  [[nodiscard]] std::string code(Index id, Index life) const { return lock(id, life) + ".code"; }
  /// What the scheduler's command has said that was to begin a life.
  [[nodiscard]] std::string reply(Index id, Index life) const { return lock(id, life) + ".reply"; }
  [[nodiscard]] std::string report_lock(Index id) const { return lock(id, 0); }
  /// Removes uploads that have not arrived as a whole. Only where no other service has the spool.
  void remove_parts() const;
  /// Removes what belongs to a job; what is not there is no error. Errors: Error(Checkpoint).
  void remove(Index id, Index lives) const;

 private:
  std::string path_;
};

/// The last whole lines of a text file, at most so many bytes of them; empty where there is no regular file.
std::string tail_of(const std::string& file, std::size_t most_bytes);

}  // namespace meha
