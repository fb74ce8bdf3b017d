// SPDX-License-Identifier: MIT
// Processes that outlive the one that starts them, and are found again by a later one.
//
// Each holds, as long as it or a child of it lives, a lock on a file of its own (flock, which children inherit): the file
// tells whether it is there although its number was never noted, and numbers that the system has given away again mislead
// nobody.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

struct ProcessStart {
  std::vector<std::string> words;        // program and arguments, as they are: no shell reads them
  std::string output;                    // file to append what it says to
  std::string lock;                      // its file; nobody must hold it
  std::vector<std::string> environment;  // NAME=value, besides this process's own
};

/// How a process has ended.
struct ProcessEnd {
  std::optional<int> code = {};  // none: nobody has seen it, or a signal has ended it
};

class Process {
 public:
  /// Starts one in a session of its own. Errors: Error(Checkpoint) when it cannot be.
  static Process start(const ProcessStart& what);
  /// Finds one that an earlier process has started. @param pid, ticks  as noted then; 0: they were not
  /// @return nothing when it has ended
  static std::optional<Process> find(const std::string& lock, pid_t pid, std::int64_t ticks);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// When it began [clock ticks since boot].
  [[nodiscard]] std::int64_t ticks() const { return ticks_; }
  /// A descriptor that becomes readable when it ends; −1: there is none.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Returns nothing while it lives.
  std::optional<ProcessEnd> ended();

 private:
  Process() = default;

  std::string lock_;
  pid_t pid_ = 0;
  std::int64_t ticks_ = 0;
  int descriptor_ = -1;
  bool is_child_ = false;
};

struct CommandEnd {
  std::optional<int> code = {};  // none: it could not be started, or was killed
  std::string output = {};       // what it has said, errors among it
};
/// Runs a program to its end; after the longest time it is killed. @param words  program and arguments, as they are
CommandEnd run_command(const std::vector<std::string>& words, std::chrono::seconds longest);

/// Whether some process holds a lock on this file.
bool is_locked(const std::string& file);
/// Locks a file, which is made where missing. @return its descriptor, closed on exec; −1: another process holds the lock
/// Errors: Error(Checkpoint) when it cannot be opened.
int lock_file(const std::string& file);

}  // namespace meha
