// SPDX-License-Identifier: MIT
#include "overview.hpp"

#include "meha/core/host.hpp"
#include "meha/io/config.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"

namespace meha {

Overview overview_of_file(const std::string& path) {
  if (const auto damage = damage_of(path)) {
    throw Error(ExitCode::Checkpoint, path + " " + *damage);
  }
  const Record record = read_record(path);
  return {.metrics = record.history.empty() ? Metrics{.iteration = record.iteration, .values = {}}
                                            : report_of(record.history, record.solution_iteration),
          .iterations = record.iteration,
          .status = record.texts.at("status"),
          .config = record.texts.at("config"),
          .labels = labels_text_of(path),
          .history = record.history};
}

Overview overview_of_directory(const std::string& path) {
  const RunDirectory directory(path);
  const std::string config = directory.file("config.toml");
  if (!file_exists(config, ExitCode::Checkpoint)) {
    throw Error(ExitCode::Config, path + ": not a run directory (it has no config.toml)");
  }
  Overview overview;
  overview.config = read_text(config, ExitCode::Checkpoint);
  const History& lines = overview.history = read_metrics(directory.file("metrics.jsonl"));
  if (!lines.empty()) {
    overview.metrics = lines.back();
    overview.iterations = lines.back().iteration;
  }
  overview.status = "unfinished";  // running, or interrupted without a word
  if (const std::string result = directory.file("result.h5");
      file_exists(result, ExitCode::Checkpoint) && !damage_of(result)) {
    const Record record = read_record(result);
    if (record.iteration >= overview.iterations) {
      overview.status = record.texts.at("status");
      overview.labels = labels_text_of(result);
      overview.metrics = lines.empty() ? overview.metrics : report_of(lines, record.solution_iteration);
    }
  }
  return overview;
}

}  // namespace meha
