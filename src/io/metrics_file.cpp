// SPDX-License-Identifier: MIT
#include "meha/io/metrics_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/io/durable.hpp"

namespace meha {
namespace {

constexpr std::uintmax_t unknown = std::numeric_limits<std::uintmax_t>::max() - 1;

std::uintmax_t size_of(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return error ? unknown + 1 : size;
}

}  // namespace

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

MetricsFile::MetricsFile(std::string path, History history, std::function<void()> check)
    : path_(std::move(path)), history_(std::move(history)), check_(std::move(check)) {
  rewrite();
}

void MetricsFile::rewrite() {
  n_bytes_ = unknown;
  std::uintmax_t n_bytes = 0;
  DurableFile file(path_);
  for (std::size_t i = 0; i < history_.size(); ++i) {
    const std::string text = json_line(history_[i]) + "\n";
    file.stream() << text;
    n_bytes += text.size();
  }
  file.finish();
  n_bytes_ = n_bytes;
}

void MetricsFile::put(const Metrics& metrics) {
  const bool replaces = !history_.empty() && history_.iteration(history_.size() - 1) == metrics.iteration;
  const std::string text = json_line(metrics) + "\n";
  if (replaces) {
    history_.replace_back(metrics);
  } else {
    history_.push_back(metrics);
  }
  check_();
  if (replaces || size_of(path_) != n_bytes_) {
    rewrite();
    return;
  }
  const std::uintmax_t before = std::exchange(n_bytes_, unknown);
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  file << text;
  file.close();
  if (!file) {
    throw Error(ExitCode::Checkpoint, path_ + ": cannot be written: " + std::strerror(errno));
  }
  n_bytes_ = before + text.size();
}

void MetricsFile::sync() {
  check_();
  if (size_of(path_) != n_bytes_) {
    rewrite();
  }
  sync_file(path_);
}

History read_metrics(const std::string& path) {
  History lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("iteration") || !json["iteration"].is_number_integer()) {
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
    lines.push_back(metrics);
  }
  return lines;
}

}  // namespace meha
