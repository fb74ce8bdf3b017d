// SPDX-License-Identifier: MIT
// metrics.jsonl: one JSON object a line, each iteration once, in the order of core/metric's table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "meha/core/history.hpp"

namespace meha {

/// One line, without the line end.
std::string json_line(const Metrics& metrics);

class MetricsFile {
 public:
  /// Starts the file anew with these lines. Errors: Error(Checkpoint).
  /// @param check  throws when the file must not be written; called before each time
  MetricsFile(
      std::string path, History history, std::function<void()> check = [] {});
  /// Appends a line; one of the same iteration as the last replaces it. Errors: Error(Checkpoint); the line stays in the
  /// history, and the next call writes whatever the file lacks, also where somebody else changed its length.
  void put(const Metrics& metrics);
  /// Writes what is lacking, and makes all lines reach the disk. Errors: Error(Checkpoint).
  void sync();
  [[nodiscard]] const History& history() const { return history_; }

 private:
  void rewrite();

  std::string path_;
  History history_;
  std::function<void()> check_;
  std::uintmax_t n_bytes_ = 0;  // of the file, with the whole history in it; unknown after a failure
};

/// The lines of a file; a torn last one is left out.
History read_metrics(const std::string& path);

}  // namespace meha
