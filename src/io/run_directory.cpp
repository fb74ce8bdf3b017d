// SPDX-License-Identifier: MIT
#include "meha/io/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "meha/core/error.hpp"
#include "meha/core/host.hpp"
#include "meha/core/status.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/state_file.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t n_digits = 8;

/// Whether `name` is checkpoint-<digits><tail>.
bool is_checkpoint(const std::string& name, std::string_view tail) {
  const std::string_view head = "checkpoint-";
  return name.size() >= head.size() + n_digits + tail.size() && name.starts_with(head) && name.ends_with(tail) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(head.size()),
                     name.end() - static_cast<std::ptrdiff_t>(tail.size()),
                     [](char c) { return c >= '0' && c <= '9'; });
}

bool is_newer(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() > b.size() : a > b;
}

/// Newest first. Errors: Error(Checkpoint) when the folder is there and cannot be read.
std::vector<std::string> names_in(const std::string& folder, std::string_view tail = ".h5") {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (const std::string name = entry->path().filename().string(); is_checkpoint(name, tail)) {
      names.push_back(name);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    throw Error(ExitCode::Checkpoint, folder + ": cannot be read: " + error.message());
  }
  std::sort(names.begin(), names.end(), is_newer);
  return names;
}

/// Who wrote run.lock; nobody when it is empty.
struct Holder {
  std::string host;
  pid_t pid = 0;
};

Holder holder_of(const std::string& text) {
  Holder holder;
  std::string word;
  std::istringstream(text) >> word >> holder.host >> word >> holder.pid;
  return holder;
}

std::string command_of(const std::string& process) {
  std::string command;
  std::getline(std::ifstream("/proc/" + process + "/comm"), command);
  return command;
}

/// Whether another process of this number is alive, and a program like this one: numbers are used again.
bool is_running(pid_t pid) {
  return pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM) &&
         command_of(std::to_string(pid)) == command_of("self");
}

}  // namespace

std::string RunDirectory::checkpoint_file(std::int64_t iteration) const {
  std::string digits = std::to_string(iteration);
  digits.insert(0, digits.size() < n_digits ? n_digits - digits.size() : 0, '0');
  return file("checkpoint-" + digits + ".h5");
}

bool RunDirectory::has_checkpoints() const {
  return !names_in(path_).empty();
}

std::vector<std::string> RunDirectory::checkpoints() const {
  std::vector<std::string> paths = names_in(path_);
  for (std::string& name : paths) {
    name = file(name);
  }
  return paths;
}

void RunDirectory::create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || kind_of_file(path_, ExitCode::Checkpoint) != FileKind::Folder) {
    throw Error(ExitCode::Checkpoint, path_ + ": cannot be created: " + (error ? error.message() : "it is a file"));
  }
}

void RunDirectory::Unlock::operator()(const int* file) const {
  (void)!ftruncate(*file, 0);
  close(*file);
  delete file;
}

std::optional<std::string> RunDirectory::lock(int (*take)(int, int)) {
  const std::string name = file("run.lock");
  const int descriptor = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    throw Error(ExitCode::Checkpoint, name + ": cannot be opened: " + std::strerror(errno));
  }
  std::string holder;
  std::getline(std::ifstream(name), holder);
  const bool taken = (take != nullptr ? take : flock)(descriptor, LOCK_EX | LOCK_NB) == 0;
  const bool refused = !taken && errno == EWOULDBLOCK;
  if (!holder.empty() && !holder.starts_with("host ")) {
    close(descriptor);
    throw Error(ExitCode::Checkpoint, name + ": is there already, and not of this program: remove it or choose --out");
  }
  const Holder other = holder_of(holder);
  const bool here = other.host == host_name();
  if (refused || (!taken && here && is_running(other.pid))) {
    close(descriptor);
    throw Error(ExitCode::Checkpoint,
                path_ + ": is in use by another run (" + holder + "): wait for it or choose --out");
  }
  lock_.reset(new int(descriptor));
  const std::string text = "host " + host_name() + " pid " + std::to_string(getpid()) + "\n";
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text.data(), text.size(), 0) < 0) {
    throw Error(ExitCode::Checkpoint, name + ": cannot be written: " + std::strerror(errno));
  }
  if (!taken && !holder.empty() && !here) {
    return name + ": this file system has no locks, and the last run here (" + holder +
           ") did not end orderly: make sure that it is gone";
  }
  return std::nullopt;
}

void RunDirectory::check_is_mine() const {
  struct stat mine {};
  struct stat there {};
  if (lock_ && fstat(*lock_, &mine) == 0 && stat(file("run.lock").c_str(), &there) == 0 &&
      (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev)) {
    throw Error(ExitCode::Checkpoint,
                path_ + ": another run uses it now: run.lock is not the file that this run has locked");
  }
}

void RunDirectory::remove_parts() const {
  for (const char* name : {"config.toml", "metrics.jsonl", "result.h5", "latest.h5"}) {
    unlink((file(name) + ".part").c_str());  // no folder: that is somebody else's
  }
  for (const std::string& name : names_in(path_, ".h5.part")) {
    unlink(file(name).c_str());
  }
}

std::optional<std::string> RunDirectory::newest_valid(const std::function<void(const std::string&)>& warn) const {
  std::optional<Error> unreadable;
  for (const std::string& path : checkpoints()) {
    try {
      const auto damage = damage_of(path);
      if (!damage) {
        return path;
      }
      std::string what_became;
      if (lock_) {
        std::error_code error;
        fs::rename(path, path + ".damaged", error);
        what_became = error ? "; it cannot be set aside (" + error.message() + ")" : "; set aside";
      }
      warn(path + " " + *damage + what_became + ", falling back to an older checkpoint");
    } catch (const Error& error) {
      unreadable = error;
      warn(std::string(error.what()) + "; falling back to an older checkpoint");
    }
  }
  if (unreadable) {
    throw *unreadable;  // to begin anew would be to overwrite it
  }
  return std::nullopt;
}

std::string RunDirectory::solution(const std::function<void(const std::string&)>& warn) const {
  const std::string result = file("result.h5");
  const auto newest = newest_valid(warn);
  if (!file_exists(result, ExitCode::Checkpoint) || damage_of(result)) {
    if (!newest) {
      throw Error(ExitCode::Checkpoint, path_ + ": has neither a result nor a valid checkpoint");
    }
    return *newest;
  }
  const Record record = read_record(result);
  const bool broken = record.texts.at("status") == name(Status::NotFinite);  // holds the step that blew up
  return newest && (broken || read_record(*newest).iteration > record.iteration) ? *newest : result;
}

void RunDirectory::keep_last(std::int64_t iteration, std::int64_t keep) const {
  const std::string newest = fs::path(checkpoint_file(iteration)).filename().string();
  replace_link(newest, file("latest.h5"));
  std::error_code ignored;
  std::int64_t n_kept = 0;
  for (const std::string& name : names_in(path_)) {  // a newer one may be a damaged one that could not be set aside
    if (!is_newer(name, newest) && ++n_kept > keep) {
      fs::remove(file(name), ignored);
    }
  }
}

}  // namespace meha
