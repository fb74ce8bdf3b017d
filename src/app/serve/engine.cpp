// SPDX-License-Identifier: MIT
#include "engine.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <utility>

#include "meha/io/run_directory.hpp"

namespace meha {
namespace {

constexpr int look_every_ms = 1000;    // at jobs that run
constexpr Index most_lost = 20;        // lives in a row that were killed
constexpr Index most_looked_at = 256;  // jobs that wait

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) {
    return {};
  }
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? -1 : begin));
}

}  // namespace

Engine::Engine(JobStore& store, const Spool& spool, EngineOptions options, Changes& changes)
    : store_(store), spool_(spool), options_(std::move(options)), changes_(changes) {
  wakeup_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  find_jobs();
  thread_ = std::thread([this] { loop(); });
}

Engine::~Engine() {
  must_end_ = true;
  wake();
  thread_.join();
  close(wakeup_);
}

void Engine::find_jobs() {
  const std::scoped_lock lock(mutex_);
  for (const JobRecord& job : store_.in_state(JobState::Deleting)) {
    spool_.remove(job.id, job.starts);
    store_.remove(job.id);
  }
  for (const JobState state : {JobState::Running, JobState::Stopping}) {
    for (const JobRecord& job : store_.in_state(state)) {
      auto process = Process::find(spool_.lock(job.id, job.starts), static_cast<pid_t>(job.pid), job.pid_ticks);
      if (process) {
        lives_.emplace(job.id, Life{std::move(*process), job.ranks, {}});
      } else {
        end_life(job, {});
      }
    }
  }
}

void Engine::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wakeup_, &one, sizeof one);
}

void Engine::loop() {
  while (!must_end_) {
    try {
      {
        const std::scoped_lock lock(mutex_);
        reap();
        reap_reporters();
        start_queued();
        look_after();
      }
      wait();
    } catch (const std::exception& error) {  // of a disk that is full, say: later it may not be
      std::cerr << "meha serve: " << error.what() << std::endl;
      std::this_thread::sleep_for(std::chrono::milliseconds(look_every_ms));
    }
  }
}

void Engine::wait() {
  std::vector<pollfd> files = {{.fd = wakeup_, .events = POLLIN, .revents = 0}};
  bool must_look = must_retry_;
  {
    const std::scoped_lock lock(mutex_);
    must_look = must_look || !lives_.empty();
    for (const auto& [id, life] : lives_) {
      files.push_back({.fd = life.process.descriptor(), .events = POLLIN, .revents = 0});
    }
    for (const auto& [id, process] : reporters_) {
      files.push_back({.fd = process.descriptor(), .events = POLLIN, .revents = 0});
    }
  }
  poll(files.data(), files.size(), must_look ? look_every_ms : -1);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n_read = read(wakeup_, &count, sizeof count);
}

void Engine::reap() {
  for (auto life = lives_.begin(); life != lives_.end();) {
    auto& end = life->second.end;  // kept until it is noted
    end = end ? end : life->second.process.ended();
    if (!end) {
      ++life;
      continue;
    }
    end_life(expect(life->first), *end);
    seen_.erase(life->first);
    life = lives_.erase(life);
  }
}

void Engine::reap_reporters() {
  for (auto reporter = reporters_.begin(); reporter != reporters_.end();) {
    if (reporter->second.ended()) {
      changes_.note(reporter->first);
      reporter = reporters_.erase(reporter);
    } else {
      ++reporter;
    }
  }
}

/// A life that was killed leaves no code, and is followed by another.
void Engine::end_life(JobRecord job, ProcessEnd end) {
  const bool was_stopping = job.state == JobState::Stopping;
  int left = 0;
  if (!end.code && std::ifstream(spool_.code(job.id, job.starts)) >> left) {
    end.code = left;
  }
  job.pid = job.pid_ticks = 0;
  job.ended = unix_time();
  job.lost = end.code ? 0 : job.lost + 1;
  if (!end.code && !was_stopping && job.lost <= most_lost) {
    job.state = JobState::Queued;
    job.ended = 0;
    return put(job);
  }
  constexpr int stopped = static_cast<int>(ExitCode::Stopped);
  job.code = end.code ? *end.code : was_stopping ? stopped : static_cast<int>(ExitCode::Bug);
  job.state = *job.code == 0 ? JobState::Finished : *job.code == stopped ? JobState::Stopped : JobState::Failed;
  job.message = job.state == JobState::Failed ? last_line(tail_of(spool_.output(job.id), 4096)) : "";
  put(job);
}

void Engine::start_queued() {
  must_retry_ = false;
  Index free = options_.slots;
  for (const auto& [id, life] : lives_) {
    free -= life.ranks;
  }
  if (free <= 0) {
    return;
  }
  for (const JobRecord& job : store_.in_state(JobState::Queued, most_looked_at)) {
    if (job.ranks > free) {
      return;  // those behind it wait, or it might wait for ever
    }
    if (is_locked(spool_.run(job.id) + "/run.lock")) {  // ranks of an earlier life that have lost their mpirun
      must_retry_ = true;
    } else if (start(job)) {
      free -= job.ranks;
    }
  }
}

bool Engine::start(JobRecord job) {
  job.state = JobState::Running;
  job.started = job.started > 0 ? job.started : unix_time();
  ++job.starts;
  job.pid = job.pid_ticks = 0;
  put(job);
  try {
    mkdir(spool_.run(job.id).c_str(), 0700);
    unlink((spool_.run(job.id) + "/STOP").c_str());
    Process process = Process::start(start_of(job));
    job.pid = process.pid();
    job.pid_ticks = process.ticks();
    lives_.emplace(job.id, Life{std::move(process), job.ranks, {}});
    put(job);
    return true;
  } catch (const Error& error) {
    if (lives_.contains(job.id)) {
      throw;
    }
    job.state = JobState::Failed;
    job.code = static_cast<int>(error.code());
    job.message = error.what();
    job.ended = unix_time();
    put(job);
    return false;
  }
}

ProcessStart Engine::start_of(const JobRecord& job) const {
  const std::string directory = spool_.run(job.id);
  std::vector<std::string> words = {options_.launch + "/until-done", "--wait", "1", "--code",
                                    spool_.code(job.id, job.starts)};
  if (job.ranks > 1) {
    words.insert(words.end(), {options_.launch + "/local", std::to_string(job.ranks)});
  }
  words.push_back(options_.program);
  const bool is_run = job.words.front() == "run";
  if (is_run && RunDirectory(directory).has_checkpoints()) {
    words.insert(words.end(), {"resume", directory});
  } else {
    words.insert(words.end(), job.words.begin(), job.words.end());
    if (is_run) {
      words.push_back(spool_.config(job.id));
    }
    words.insert(words.end(), {"--out", directory});
  }
  for (const std::string& setting : job.settings) {
    words.insert(words.end(), {"--set", setting});
  }
  return {.words = words,
          .output = spool_.output(job.id),
          .lock = spool_.lock(job.id, job.starts),
          .environment = environment_of_jobs};
}

/// A job removes a STOP that it finds when it begins, also one that was meant for it: so it is made again.
void Engine::look_after() {
  for (const auto& [id, life] : lives_) {
    const FileStamp stamp = stamp_of(spool_.run(id) + "/metrics.jsonl");
    if (stamp != seen_[id]) {
      seen_[id] = stamp;
      changes_.note(id);
    }
    if (expect(id).state == JobState::Stopping) {
      ask_to_stop(id);
    }
  }
}

}  // namespace meha
