// SPDX-License-Identifier: MIT
// meha runs [DIR]: the run directories below a folder, how far each is, and what to type next.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "meha/app/verbs.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/data/cell.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/terminal.hpp"
#include "local_ranks.hpp"
#include "overview.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

/// Whether a process on this machine has the lock of a run directory, as the kernel's list of locks tells. Source: proc(5).
bool is_running(const std::string& directory) {
  struct stat lock {};
  if (stat(RunDirectory(directory).file("run.lock").c_str(), &lock) != 0) {
    return false;
  }
  std::ostringstream place;
  place << std::hex << std::setfill('0') << std::setw(2) << major(lock.st_dev) << ':' << std::setw(2)
        << minor(lock.st_dev) << std::dec << ':' << lock.st_ino << ' ';
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find(" FLOCK ") != std::string::npos && line.find(' ' + place.str()) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::string metric_of(const Metrics& metrics) {
  for (const char* name :
       {"detection_auroc", "model_accuracy", "test_accuracy", "error", "test_error", "upper_value"}) {
    if (const auto value = metrics.find(name)) {
      std::ostringstream text;
      text << name << ' ' << std::setprecision(4) << *value;
      return text.str();
    }
  }
  return "";
}

/// A line of the list: directory, state, iterations, a metric, what to do.
using Line = std::array<std::string, 5>;

Line line_of_run(const std::string& directory) {
  try {
    const Overview overview = overview_of_directory(directory);
    const Options options = parse_config(overview.config, directory + "/config.toml");
    const bool runs = is_running(directory);
    const bool is_done = overview.status == "finished" || overview.status == "converged";
    const Count& count = options.run.iterations;
    const std::string wanted = count.in_passes ? toml(count) : std::to_string(count.n);
    return {directory,
            runs                              ? "running"
            : overview.status == "unfinished" ? "interrupted"
                                              : overview.status,
            std::to_string(overview.iterations) + "/" + wanted, metric_of(overview.metrics),
            runs ? "touch " + shell_word(directory + "/STOP") + "   (ends it)"
                 : own_command() + (is_done ? " report " : " resume ") + shell_word(directory)};
  } catch (const Error& error) {
    return {directory, "damaged", "", "", own_command() + " verify " + shell_word(directory)};
  }
}

}  // namespace

ExitCode runs_verb(const Arguments& arguments) {
  std::vector<Line> lines = {{"run", "state", "iteration", "", "next"}};
  std::error_code error;
  if (!fs::is_directory(arguments.target, error)) {
    throw Error(ExitCode::Config, arguments.target + ": no such folder");
  }
  std::vector<std::string> directories;
  const auto take = [&](const fs::path& path) {
    if (fs::is_regular_file(path / "config.toml", error) && fs::exists(path / "run.log", error)) {
      directories.push_back(path.lexically_normal());
    }
  };
  take(arguments.target);
  constexpr auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(arguments.target, options, error)) {
    if (entry.is_directory(error)) {
      take(entry.path());
    }
  }
  std::ranges::sort(directories);
  for (const std::string& directory : directories) {
    lines.push_back(line_of_run(directory));
  }
  if (directories.empty()) {
    std::cout << "no runs below " << arguments.target << '\n';
    return ExitCode::Finished;
  }
  std::array<std::size_t, std::tuple_size_v<Line>> widths{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(printable(line[i])));
    }
  }
  for (const Line& line : lines) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      std::cout << padded(printable(line[i]), widths[i] + 2);
    }
    std::cout << printable(line.back()) << '\n';
  }
  return ExitCode::Finished;
}

}  // namespace meha
