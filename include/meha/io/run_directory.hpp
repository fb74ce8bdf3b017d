// SPDX-License-Identifier: MIT
// A run directory on rank 0:
//   config.toml  metrics.jsonl  checkpoint-%08d.h5 (the last N)  latest.h5 → newest  result.h5  run.log  run.lock
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meha {

class RunDirectory {
 public:
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string checkpoint_file(std::int64_t iteration) const;
  /// Returns its checkpoints, damaged ones too, newest first.
  [[nodiscard]] std::vector<std::string> checkpoints() const;
  /// Whether it holds checkpoints, damaged ones too.
  [[nodiscard]] bool has_checkpoints() const;

  /// Creates the directory where missing. Errors: Error(Checkpoint).
  void create() const;
  /// Takes run.lock for the life of this object. A file system without locks is believed what run.lock says: host and
  /// process of the holder, who on this host must be alive. Errors: Error(Checkpoint) naming the holder.
  /// @param take  flock, or what stands for it     @return what could not be made sure of
  std::optional<std::string> lock(int (*take)(int file, int operation) = nullptr);
  /// Throws Error(Checkpoint) when run.lock is not the file that this object has locked: another directory stands in the
  /// place of its own, or somebody has removed the lock for another run to begin.
  void check_is_mine() const;
  /// Removes files that an interrupted life left half written. Only under the lock.
  void remove_parts() const;
  /// The newest checkpoint that damage_of() finds nothing in. A damaged one is told to `warn` and, under the lock, renamed
  /// to *.damaged.
  /// Errors: Error(Checkpoint) when there is none, but one that cannot be read now.
  [[nodiscard]] std::optional<std::string> newest_valid(const std::function<void(const std::string&)>& warn) const;
  /// The state file to use results from: result.h5, or a checkpoint where that is newer, or the result broken. Reads only,
  /// unless this object holds the lock.
  /// Errors: Error(Checkpoint) when there is neither.
  [[nodiscard]] std::string solution(const std::function<void(const std::string&)>& warn) const;
  /// Points latest.h5 to this checkpoint and removes all older ones but the last, so that `keep` stay.
  void keep_last(std::int64_t iteration, std::int64_t keep) const;

 private:
  struct Unlock {
    void operator()(const int* file) const;
  };
  std::string path_;
  std::unique_ptr<int, Unlock> lock_;
};

}  // namespace meha
