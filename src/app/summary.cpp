// SPDX-License-Identifier: MIT
#include "meha/app/summary.hpp"

#include <array>
#include <cstdio>

#include "meha/io/metrics_file.hpp"
#include "meha/io/run_directory.hpp"

namespace meha {

std::string summary(const std::string& directory, Index solution_iteration, Status status, const std::string& more) {
  std::string text;
  const auto lines = read_metrics(RunDirectory(directory).file("metrics.jsonl"));
  if (!lines.empty()) {
    const Metrics solution = report_of(lines, solution_iteration);
    const Index iterations = lines.iteration(lines.size() - 1);
    text = "after " + std::to_string(iterations) + " iterations" +
           (solution.iteration < iterations
                ? ", the best state on held-out rows, of iteration " + std::to_string(solution.iteration)
                : "") +
           ":\n";
    for (const MetricInfo& info : metric_table().subspan(1)) {
      if (const auto value = solution.find(info.name)) {
        std::array<char, 160> line{};
        std::snprintf(line.data(), line.size(), "  %-25s %-12.6g %s\n", info.name, *value, info.meaning);
        text += line.data();
      }
    }
  }
  return text + more + "files: " + directory + "/ (config.toml, metrics.jsonl, result.h5, checkpoint-*.h5, run.log)\n" +
         std::string(name(status)) + ": " + std::string(sentence(status));
}

}  // namespace meha
