// SPDX-License-Identifier: MIT
#include "local_ranks.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/shell_word.hpp"

namespace meha {

namespace fs = std::filesystem;

bool is_in_job() {
  return std::getenv("OMPI_COMM_WORLD_RANK") != nullptr || std::getenv("SLURM_JOB_ID") != nullptr;
}

Index ranks_for(const std::string& table, Index wanted) {
  constexpr std::uintmax_t large_bytes = std::uintmax_t{2} << 20U;
  constexpr Index most = 8;
  std::error_code error;
  const bool is_pipe = !fs::is_regular_file(table, error) && !fs::is_directory(table, error);
  if (wanted > 1 && is_pipe && fs::exists(table, error)) {
    throw Error(ExitCode::Config, table + ": is a pipe, which only this process can read: needs --ranks 1");
  }
  const auto size = fs::file_size(table, error);
  return wanted > 0 ? wanted
         : is_pipe || error || size < large_bytes || is_in_job()
             ? 1
             : std::clamp<Index>(std::thread::hardware_concurrency(), 1, most);
}

std::string shipped_file(const std::string& name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  for (const char* folder : {"..", "../share/meha", "../.."}) {  // of build, of an installation, of build/PRESET
    const fs::path path = (self.parent_path() / folder / name).lexically_normal();
    if (fs::is_regular_file(path, error)) {
      return path.string();
    }
  }
  return {};
}

std::string launch_folder() {
  return fs::path(shipped_file("launch/local")).parent_path().string();
}

std::string own_command() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder) / self.filename();
    if (fs::exists(candidate, error)) {
      return fs::equivalent(candidate, self, error) ? self.filename().string() : shell_word(self.string());
    }
  }
  const fs::path nearby = fs::relative(self, error);
  const bool is_below = !error && !nearby.empty() && *nearby.begin() != "..";
  return shell_word(!is_below ? self.string() : nearby.has_parent_path() ? nearby.string() : "./" + nearby.string());
}

void start_on_ranks(Index n, char** argv) {
  if (n == 1 || std::getenv("OMPI_COMM_WORLD_RANK") != nullptr) {
    return;
  }
  std::error_code error;
  const std::string self = fs::read_symlink("/proc/self/exe", error).string();
  const std::string number = std::to_string(n);
  const std::string local = launch_folder() + "/local";
  std::vector<char*> words = {const_cast<char*>(local.c_str()), const_cast<char*>(number.c_str()),
                              const_cast<char*>(self.c_str())};
  for (char** word = argv + 1; *word != nullptr; ++word) {
    words.push_back(*word);
  }
  words.push_back(nullptr);
  execv(local.c_str(), words.data());
  std::cerr << "warning: one rank instead of " << number << ": launch/local, which starts them, is not beside " << self
            << '\n';
}

}  // namespace meha
