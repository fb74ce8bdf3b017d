// SPDX-License-Identifier: MIT
#include "meha/io/metrics_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "meha/core/error.hpp"
#include "meha/io/durable.hpp"

namespace meha {

std::string json_line(const Metrics& metrics) {
  Metrics sorted = metrics;
  sorted.sort();
  nlohmann::ordered_json line;
  line["iteration"] = metrics.iteration;
  for (const auto& [name, value] : sorted.values) {
    line[name] = value;
  }
  return line.dump();
}

MetricsFile::MetricsFile(std::string path, std::vector<Metrics> history)
    : path_(std::move(path)), history_(std::move(history)) {
  std::string text;
  for (const Metrics& line : history_) {
    text += json_line(line) + "\n";
  }
  write_durably(path_, text);
}

void MetricsFile::put(Metrics metrics) {
  metrics.sort();
  if (!history_.empty() && history_.back().iteration == metrics.iteration) {
    history_.pop_back();
    history_.push_back(std::move(metrics));
    *this = MetricsFile(path_, std::move(history_));
    return;
  }
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  file << json_line(metrics) << '\n';
  file.close();
  if (!file) {
    throw Error(ExitCode::Checkpoint, path_ + ": cannot be written: " + std::strerror(errno));
  }
  history_.push_back(std::move(metrics));
}

void MetricsFile::sync() const {
  sync_file(path_);
}

std::vector<Metrics> read_metrics(const std::string& path) {
  std::vector<Metrics> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("iteration")) {
      break;
    }
    Metrics metrics;
    for (const auto& [name, value] : json.items()) {
      if (name == "iteration") {
        metrics.iteration = value.get<Index>();
      } else if (value.is_number()) {
        metrics.set(name, value.get<Real>());
      }
    }
    lines.push_back(std::move(metrics));
  }
  return lines;
}

}  // namespace meha
