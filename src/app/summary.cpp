// SPDX-License-Identifier: MIT
#include "meha/app/summary.hpp"

#include <array>
#include <cstdio>
#include <vector>

#include "local_ranks.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/io/run_directory.hpp"

namespace meha {
namespace {

/// A metric among words.
struct Part {
  const char* before;
  const char* metric;
  double factor = 1;
  const char* after = "";
};

/// Shown where its first metric is known, without the parts whose metrics are not.
struct Line {
  const char* title;
  std::vector<Part> parts;
  const char* superseded_by = "";  // a metric
};

const std::vector<Line>& lines_of_all() {
  static const std::vector<Line> lines = {
      {"labels", {{"about ", "noise_rate", 100, " % of them are wrong"}}},
      {"wrong labels",
       {{"found with F1 ", "detection_f1"},
        {", AUROC ", "detection_auroc"},
        {"; by a model of the trusted rows alone with F1 ", "trusted_detection_f1"}}},
      {"test accuracy",
       {{"", "model_accuracy"},
        {"; trained on all labels as given ", "refit_corrupted"},
        {", on the trusted rows alone ", "refit_validation"}}},
      {"test accuracy", {{"", "test_accuracy"}}, "model_accuracy"},
      {"test error", {{"", "test_error"}}},
      {"random search",
       {{"F ", "search_upper_value"}, {" in as many passes; this run's x has F ", "solved_upper_value"}}},
      {"objectives", {{"F ", "upper_value"}, {", f ", "lower_value"}, {", residual ", "residual"}}},
  };
  return lines;
}

std::string text_of(const Line& line, const Metrics& metrics) {
  if (!metrics.find(line.parts.front().metric) || metrics.find(line.superseded_by)) {
    return {};
  }
  std::array<char, 64> number{};
  std::snprintf(number.data(), number.size(), "  %-14s ", line.title);
  std::string text = number.data();
  for (const Part& part : line.parts) {
    if (const auto value = metrics.find(part.metric)) {
      std::snprintf(number.data(), number.size(), "%.4g", *value * part.factor);
      text += part.before + std::string(number.data()) + part.after;
    }
  }
  return text + "\n";
}

}  // namespace

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
    for (const Line& line : lines_of_all()) {
      text += text_of(line, solution);
    }
  }
  const std::string meha = own_command();
  const std::string where = shell_word(directory);
  return text + more + "next: " + meha + " report " + where + " (a page), " + meha + " inspect " + where +
         " (all metrics)\n" + std::string(name(status)) + ": " + std::string(sentence(status));
}

}  // namespace meha
