// SPDX-License-Identifier: MIT
#include "slurm.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>

#include "meha/core/error.hpp"
#include "process.hpp"

namespace meha {
namespace {

constexpr std::chrono::seconds pause(2);  // between questions
constexpr std::chrono::seconds longest(60);

/// The path of a program; empty where it is not on PATH.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string file = folder;
    file.append("/").append(name);
    if (access(file.c_str(), X_OK) == 0) {
      return file;
    }
  }
  return {};
}

}  // namespace

Slurm::Slurm()
    : sbatch_(find_program("sbatch")),
      squeue_(find_program("squeue")),
      scancel_(find_program("scancel")),
      sacct_(find_program("sacct")) {
  if (sbatch_.empty() || squeue_.empty() || scancel_.empty()) {
    throw Error(ExitCode::Config, "--engine slurm: needs sbatch, squeue and scancel on PATH: is Slurm installed here?");
  }
}

void Slurm::look() {
  send_requests();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) {
    return;
  }
  next_ = now + pause;
  const CommandEnd end = run_command(
      {squeue_, "--noheader", "--states=all", "--user=" + std::to_string(geteuid()), "--format=%i %T %k %j"}, longest);
  if (end.code != 0) {
    if (!std::exchange(is_silent_, true)) {
      std::cerr << "meha serve: Slurm does not answer, asking again and again: " << end.output << std::flush;
    }
    return;
  }
  is_silent_ = false;
  states_.clear();
  named_.clear();
  std::istringstream lines(end.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id;
    std::string state;
    std::string comment;
    std::string name;
    words >> id >> state >> comment >> name;
    states_[id] = state;
    named_[{name, comment}] = id;
  }
  ++n_answers_;
}

std::string Slurm::state_of(const std::string& id) const {
  const auto at = states_.find(id);
  return at == states_.end() ? "" : at->second;
}

std::string Slurm::id_of(const std::string& name, const std::string& comment) const {
  const auto at = named_.find({name, comment});
  return at == named_.end() ? "" : at->second;
}

std::string Slurm::accounted_state_of(const std::string& id) const {
  std::string state;
  if (!sacct_.empty()) {
    const CommandEnd end =
        run_command({sacct_, "--noheader", "--allocations", "--parsable2", "--format=State", "--jobs=" + id}, longest);
    if (end.code == 0) {
      std::istringstream(end.output) >> state;
    }
  }
  return state;
}

void Slurm::cancel_waiting(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  to_cancel_.push_back(id);
}

void Slurm::signal(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  to_signal_.push_back(id);
}

/// One that is not obeyed is not repeated here: the file STOP is a request, too.
void Slurm::send_requests() {
  std::vector<std::string> cancel = {scancel_, "--quiet", "--state=PENDING"};
  std::vector<std::string> signal = {scancel_, "--quiet", "--batch", "--signal=USR2"};
  const auto n_words = std::pair(cancel.size(), signal.size());
  {
    const std::scoped_lock lock(mutex_);
    cancel.insert(cancel.end(), to_cancel_.begin(), to_cancel_.end());
    signal.insert(signal.end(), to_signal_.begin(), to_signal_.end());
    to_cancel_.clear();
    to_signal_.clear();
  }
  if (cancel.size() > n_words.first) {
    (void)run_command(cancel, longest);
  }
  if (signal.size() > n_words.second) {
    (void)run_command(signal, longest);
  }
}

}  // namespace meha
