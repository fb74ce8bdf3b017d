// SPDX-License-Identifier: MIT
// meha verify DIR: is every file of a run directory whole? One line each; reads only.
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "meha/app/verbs.hpp"
#include "meha/core/host.hpp"
#include "meha/io/config.hpp"
#include "meha/io/metrics_file.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void damaged(const std::string& why) {
  throw Error(ExitCode::Checkpoint, why);
}

std::string verified_state(const std::string& path) {
  if (const auto damage = damage_of(path)) {
    damaged(*damage);
  }
  const Record record = read_record(path);
  return "iteration " + std::to_string(record.iteration) + ", " + record.texts.at("status");
}

std::string verified_checkpoint(const RunDirectory& directory, const std::string& path) {
  const std::string text = verified_state(path);
  if (directory.checkpoint_file(read_record(path).iteration) != path) {
    damaged("holds " + text + ": another one's name");
  }
  return text;
}

std::string verified_metrics(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    damaged("cannot be opened");
  }
  std::size_t n_lines = 0;
  bool is_torn = false;  // the last line has no end
  for (std::string line; std::getline(file, line); ++n_lines) {
    is_torn = file.eof();
  }
  const auto lines = read_metrics(path);
  if (lines.size() + (is_torn ? 1 : 0) < n_lines) {
    damaged("line " + std::to_string(lines.size() + 1) + " of " + std::to_string(n_lines) + " is not one of metrics");
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines.iteration(i) <= lines.iteration(i - 1)) {
      damaged("line " + std::to_string(i + 1) + ": iteration " + std::to_string(lines.iteration(i)) + " follows " +
              std::to_string(lines.iteration(i - 1)));
    }
  }
  return std::to_string(lines.size()) + " reports" +
         (lines.empty() ? "" : ", the last of iteration " + std::to_string(lines.back().iteration)) +
         (is_torn ? "; the line after it is torn, resume writes it anew" : "");
}

std::string verified_config(const std::string& path) {
  return "run " + read_config(path, ExitCode::Checkpoint).run.name;
}

}  // namespace

ExitCode verify_verb(const Arguments& arguments) {
  const RunDirectory directory(arguments.target);
  if (!file_exists(directory.file("config.toml"), ExitCode::Checkpoint)) {
    throw Error(ExitCode::Config, arguments.target + ": not a run directory (it has no config.toml)");
  }
  ExitCode code = ExitCode::Finished;
  const auto check = [&](const std::string& path, auto&& verified) {
    std::cout << std::left << std::setw(26) << fs::path(path).filename().string() << ' ';
    try {
      const std::string text = verified(path);
      std::cout << "good      " << text << '\n';
    } catch (const std::exception& error) {
      if (std::error_code failed; fs::symlink_status(path, failed).type() == fs::file_type::not_found) {
        std::cout << "gone      a run at work has removed it meanwhile\n";
        return;
      }
      std::cout << "DAMAGED   " << error.what() << '\n';
      code = ExitCode::Checkpoint;
    }
  };
  check(directory.file("config.toml"), verified_config);
  check(directory.file("metrics.jsonl"), verified_metrics);
  for (const std::string& path : directory.checkpoints()) {
    check(path, [&](const std::string& p) { return verified_checkpoint(directory, p); });
  }
  if (const std::string result = directory.file("result.h5"); file_exists(result, ExitCode::Checkpoint)) {
    check(result, verified_state);
  }
  return code;
}

}  // namespace meha
