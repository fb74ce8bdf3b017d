// SPDX-License-Identifier: MIT
// What people see of a run: on a terminal one live line, elsewhere a plain line per report; the same reports and all
// warnings go to run.log. Rank 0 only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "meha/core/metric.hpp"

namespace spdlog {
class logger;
}

namespace meha {

class Progress {
 public:
  /// @param log_file  run.log; appended to. That it cannot be written is a warning
  Progress(const std::string& log_file, Index n_iterations, Index first_iteration);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void report(const Metrics& metrics);
  /// Refreshes the live line, a few times a second at most.
  void stepped(Index iteration);
  /// A line of its own.
  void say(const std::string& text);
  void warn(const std::string& text);

 private:
  /// @param columns  of the line, at most
  [[nodiscard]] std::string line(Index iteration, Index columns) const;
  void clear_live_line();

  std::unique_ptr<spdlog::logger> log_;
  bool terminal_;
  bool live_ = false;
  Index n_iterations_, first_iteration_;
  std::vector<std::string> values_;  // of the last report
  std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace meha
