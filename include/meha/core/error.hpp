// SPDX-License-Identifier: MIT
// One exception type, one list of exit codes, one check for our own mistakes.
// A message names thing, value, rule and likely cause: `a.toml:12: algorithm.gamma = -1: must be > 0`.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace meha {

/// What the program returns to the shell.
enum class ExitCode : int {
  Finished = 0,
  Config = 2,      // config or usage
  Data = 3,        // a data file is missing, damaged or not what the config says
  NotFinite = 4,   // the numbers blew up
  Checkpoint = 5,  // the run directory cannot be read or written
  Bug = 70,        // our fault
  Watchdog = 71,   // no progress
  Stopped = 75,    // stopped on request: resume me
};

/// An error a user can act on; `code` becomes the exit code.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// An Error that every rank throws, with the same words: the ranks have agreed on it.
class AgreedError : public Error {
 public:
  using Error::Error;
};

/// An exception of the standard library in words: memory that ran out, a path that the system refuses, a thread that cannot
/// be started. Errors stay what they are; anything unknown becomes Error(Bug).
Error as_error(const std::exception& exception);

/// Throws Error(Bug) when a caller broke a rule of the code itself; the message names the place of the call. Always on.
void require(bool condition, const char* rule, std::source_location where = std::source_location::current());

}  // namespace meha
