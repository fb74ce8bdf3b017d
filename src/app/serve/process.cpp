// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr int lock_in_child = 3;  // mpirun closes none below its own

/// When the process began, in ticks since boot; 0 when there is none.
std::int64_t ticks_of(pid_t pid) {
  std::string text;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), text);
  const auto at = text.rfind(')');
  if (at == std::string::npos) {
    return 0;
  }
  constexpr int n_before = 19;  // words between the name and the time
  std::istringstream words(text.substr(at + 1));
  std::string word;
  for (int i = 0; i < n_before; ++i) {
    words >> word;
  }
  std::int64_t ticks = 0;
  words >> ticks;
  return ticks;
}

int open_process(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

/// What posix_spawn is told. Signals are as a shell would leave them.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  void write_to(const std::string& output) {
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  }
  void write_to(int pipe) {
    posix_spawn_file_actions_adddup2(&files, pipe, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  }
  void hold(int lock) {
    posix_spawn_file_actions_adddup2(&files, lock, lock_in_child);
    posix_spawn_file_actions_addclosefrom_np(&files, lock_in_child + 1);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

/// This process's environment, with these changes.
std::vector<std::string> environment_with(const std::vector<std::string>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    if (std::ranges::none_of(changes, [&](const std::string& change) { return change.starts_with(name); })) {
      all.push_back(text);
    }
  }
  all.insert(all.end(), changes.begin(), changes.end());
  return all;
}

}  // namespace

int lock_file(const std::string& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    throw Error(ExitCode::Checkpoint, file + ": cannot be opened: " + std::strerror(errno));
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

bool is_locked(const std::string& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return false;
  }
  const bool taken = flock(descriptor, LOCK_EX | LOCK_NB) != 0;
  close(descriptor);
  return taken;
}

CommandEnd run_command(const std::vector<std::string>& words, std::chrono::seconds longest) {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return {.output = std::string("no pipe: ") + std::strerror(errno)};
  }
  SpawnPlan plan;
  plan.write_to(pipe[1]);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, words.front().c_str(), &plan.files, &plan.attributes, pointers_to(words).data(), environ);
  close(pipe[1]);
  CommandEnd end;
  if (error != 0) {
    end.output = words.front() + ": cannot be started: " + std::strerror(error);
    close(pipe[0]);
    return end;
  }
  const auto last = std::chrono::steady_clock::now() + longest;
  std::array<char, 4096> part{};
  for (ssize_t n = 1; n > 0;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(last - std::chrono::steady_clock::now());
    pollfd said{.fd = pipe[0], .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&said, 1, static_cast<int>(left.count())) <= 0) {
      kill(-pid, SIGKILL);  // it leads a session of its own
      break;
    }
    n = read(pipe[0], part.data(), part.size());
    end.output.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(0, n)));
  }
  close(pipe[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  end.code = WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  return end;
}

Process Process::start(const ProcessStart& what) {
  const int lock = lock_file(what.lock);
  if (lock < 0) {
    throw Error(ExitCode::Checkpoint, what.lock + ": another process holds this lock");
  }
  SpawnPlan plan;
  plan.write_to(what.output);
  plan.hold(lock);
  const std::vector<std::string> environment = environment_with(what.environment);
  Process process;
  const int error = posix_spawn(&process.pid_, what.words.front().c_str(), &plan.files, &plan.attributes,
                                pointers_to(what.words).data(), pointers_to(environment).data());
  close(lock);
  if (error != 0) {
    process.pid_ = 0;
    throw Error(ExitCode::Checkpoint, what.words.front() + ": cannot be started: " + std::strerror(error));
  }
  process.lock_ = what.lock;
  process.ticks_ = ticks_of(process.pid_);
  process.descriptor_ = open_process(process.pid_);
  process.is_child_ = true;
  return process;
}

std::optional<Process> Process::find(const std::string& lock, pid_t pid, std::int64_t ticks) {
  if (!is_locked(lock)) {
    return std::nullopt;
  }
  Process process;
  process.lock_ = lock;
  const int descriptor = pid != 0 ? open_process(pid) : -1;
  if (descriptor >= 0 && ticks_of(pid) == ticks) {  // else its children hold the lock
    process.descriptor_ = descriptor;
    process.pid_ = pid;
    process.ticks_ = ticks;
  } else if (descriptor >= 0) {
    close(descriptor);
  }
  return process;
}

Process::Process(Process&& other) noexcept {
  *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(lock_, other.lock_);
  std::swap(pid_, other.pid_);
  std::swap(ticks_, other.ticks_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(is_child_, other.is_child_);
  return *this;
}

Process::~Process() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

std::optional<ProcessEnd> Process::ended() {
  if (is_child_) {
    int status = 0;
    const pid_t found = waitpid(pid_, &status, WNOHANG);
    if (found == 0) {
      return std::nullopt;
    }
    return ProcessEnd{found == pid_ && WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt};
  }
  if (descriptor_ >= 0) {
    pollfd end{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return poll(&end, 1, 0) > 0 ? std::optional(ProcessEnd{}) : std::nullopt;
  }
  return is_locked(lock_) ? std::nullopt : std::optional(ProcessEnd{});
}

}  // namespace meha
