// SPDX-License-Identifier: MIT
// metrics.jsonl: one JSON object a line, each iteration once, in the order of core/metric's table.
#pragma once

#include <string>
#include <vector>

#include "meha/core/metric.hpp"

namespace meha {

/// One line, without the line end.
std::string json_line(const Metrics& metrics);

class MetricsFile {
 public:
  /// Starts the file anew with these lines. Errors: Error(Checkpoint).
  MetricsFile(std::string path, std::vector<Metrics> history);
  /// Appends a line; one of the same iteration as the last replaces it. Errors: Error(Checkpoint).
  void put(Metrics metrics);
  /// Makes all lines reach the disk.
  void sync() const;
  [[nodiscard]] const std::vector<Metrics>& history() const { return history_; }

 private:
  std::string path_;
  std::vector<Metrics> history_;
};

/// The lines of a file; a torn last one is left out.
std::vector<Metrics> read_metrics(const std::string& path);

}  // namespace meha
