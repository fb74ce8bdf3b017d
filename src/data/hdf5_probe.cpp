// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_probe.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include "meha/core/error.hpp"
#include "meha/data/hdf5_columns.hpp"
#include "meha/data/rows_file.hpp"

namespace meha {
namespace {

constexpr int patience_s = 5;  // of processor time: a slow disk is no damage
constexpr useconds_t look_every_us = 1000;

std::vector<std::string>& probe_arguments() {
  static std::vector<std::string> arguments;
  return arguments;
}

/// Starts this program again, silent. (No fork: it would copy memory that a network card may be writing to.)
/// @return its number, 0 when there is no room for another process
pid_t start(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&files, output, "/dev/null", O_WRONLY, 0);
  }
  pid_t process = 0;
  const int error = posix_spawn(&process, "/proc/self/exe", &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? process : 0;
}

bool is_out_of_time(pid_t process) {
  clockid_t clock{};
  timespec used{};
  return clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &used) == 0 && used.tv_sec >= patience_s;
}

/// As by Ctrl-C, which goes to the whole group of processes, or when memory is short.
bool was_asked_to_end(int status) {
  constexpr std::array requests = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGKILL};
  return WIFSIGNALED(status) && std::ranges::find(requests, WTERMSIG(status)) != requests.end();
}

}  // namespace

void probe_hdf5_files_with(std::vector<std::string> arguments) {
  probe_arguments() = std::move(arguments);
}

void probe_hdf5(const std::string& path) {
  try {
    const RowsFile file(path, RowsFile::State::Sampled);
    for (const Index row : {Index{0}, file.n_rows() - 1}) {
      file.sample(row);
    }
    return;
  } catch (const Error&) {  // that can be told
  }
  try {
    const Hdf5Columns columns(path);
    for (const Index row : {Index{0}, columns.n_rows() - 1}) {
      (void)columns.lines({row, row + 1});
    }
  } catch (const Error&) {  // likewise
  }
}

void expect_sound_hdf5(const std::string& path) {
  std::vector<std::string> words = probe_arguments();
  if (words.empty() || path.empty()) {
    return;
  }
  words.push_back(path);
  const pid_t process = start(std::move(words));
  int status = 0;
  bool has_no_end = false;
  while (process != 0 && waitpid(process, &status, WNOHANG) == 0) {
    if (is_out_of_time(process)) {
      has_no_end = true;
      kill(process, SIGKILL);
    }
    usleep(look_every_us);
  }
  if (has_no_end || (status != 0 && !was_asked_to_end(status))) {
    throw Error(ExitCode::Data, path + ": damaged: the HDF5 library crashes on it or finds no end");
  }
}

}  // namespace meha
