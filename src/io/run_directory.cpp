// SPDX-License-Identifier: MIT
#include "meha/io/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/status.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/state_file.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t n_digits = 8;

bool is_checkpoint(const std::string& name) {
  const std::string head = "checkpoint-";
  const std::string tail = ".h5";
  return name.size() >= head.size() + n_digits + tail.size() && name.starts_with(head) && name.ends_with(tail) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(head.size()), name.end() - 3,
                     [](char c) { return c >= '0' && c <= '9'; });
}

/// Newest first.
std::vector<std::string> checkpoints_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    if (const std::string name = entry.path().filename().string(); is_checkpoint(name)) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a > b;
  });
  return names;
}

}  // namespace

std::string RunDirectory::checkpoint_file(std::int64_t iteration) const {
  std::string digits = std::to_string(iteration);
  digits.insert(0, digits.size() < n_digits ? n_digits - digits.size() : 0, '0');
  return file("checkpoint-" + digits + ".h5");
}

bool RunDirectory::has_checkpoints() const {
  return !checkpoints_in(path_).empty();
}

void RunDirectory::create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_)) {
    throw Error(ExitCode::Checkpoint, path_ + ": cannot be created: " + (error ? error.message() : "it is a file"));
  }
}

void RunDirectory::Unlock::operator()(const int* file) const {
  close(*file);
  delete file;
}

void RunDirectory::lock() {
  const std::string name = file("run.lock");
  const int descriptor = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    throw Error(ExitCode::Checkpoint, name + ": cannot be opened: " + std::strerror(errno));
  }
  lock_.reset(new int(descriptor));
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    std::string holder;
    std::getline(std::ifstream(name), holder);
    lock_.reset();
    throw Error(ExitCode::Checkpoint,
                path_ + ": is in use by another run (" + holder + "): wait for it or choose --out");
  }  // file systems without locks: go on without
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string text = "host " + std::string(host.data()) + " pid " + std::to_string(getpid()) + "\n";
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text.data(), text.size(), 0) < 0) {
    throw Error(ExitCode::Checkpoint, name + ": cannot be written: " + std::strerror(errno));
  }
}

std::optional<std::string> RunDirectory::newest_valid(const std::function<void(const std::string&)>& warn) const {
  for (const std::string& name : checkpoints_in(path_)) {
    const auto damage = damage_of(file(name));
    if (!damage) {
      return file(name);
    }
    std::error_code ignored;
    fs::rename(file(name), file(name) + ".damaged", ignored);
    warn(file(name) + " " + *damage + "; set aside, falling back to an older checkpoint");
  }
  return std::nullopt;
}

std::string RunDirectory::solution(const std::function<void(const std::string&)>& warn) const {
  const std::string result = file("result.h5");
  const auto newest = newest_valid(warn);
  if (!fs::exists(result) || damage_of(result)) {
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
  replace_link(fs::path(checkpoint_file(iteration)).filename().string(), file("latest.h5"));
  const auto names = checkpoints_in(path_);
  std::error_code ignored;
  for (std::size_t i = static_cast<std::size_t>(keep); i < names.size(); ++i) {
    fs::remove(file(names[i]), ignored);
  }
}

}  // namespace meha
