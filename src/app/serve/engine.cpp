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

void note_start(JobRecord& job) {
  job.started = job.state == JobState::Running && job.started == 0 ? unix_time() : job.started;
}

}  // namespace

Engine::Engine(JobStore& store, const Spool& spool, Executor& executor, Changes& changes, std::string program,
               Index slots)
    : store_(store),
      spool_(spool),
      executor_(executor),
      changes_(changes),
      program_(std::move(program)),
      slots_(slots) {
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
  for (const JobRecord& job : store_.in_hand()) {
    if (auto life = executor_.find(job)) {
      lives_.emplace(job.id, LifeAtHand{std::move(life), {}});
    } else {
      end_life(job, {});
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
      turn();
      wait();
    } catch (const std::exception& error) {  // of a disk that is full, say: later it may not be
      std::cerr << "meha serve: " << error.what() << std::endl;
      std::this_thread::sleep_for(std::chrono::milliseconds(look_every_ms));
    }
  }
}

void Engine::turn() {
  std::unique_lock lock(mutex_);
  if (!lives_.empty()) {
    lock.unlock();
    executor_.look();
    lock.lock();
  }
  reap();
  reap_reporters();
  start_queued();
  look_after();
}

void Engine::wait() {
  std::vector<pollfd> files = {{.fd = wakeup_, .events = POLLIN, .revents = 0}};
  bool must_look = must_retry_;
  {
    const std::scoped_lock lock(mutex_);
    must_look = must_look || !lives_.empty();
    for (const auto& [id, at_hand] : lives_) {
      files.push_back({.fd = at_hand.life->descriptor(), .events = POLLIN, .revents = 0});
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
  for (auto at = lives_.begin(); at != lives_.end();) {
    auto& [life, end] = at->second;  // the end is kept until it is noted
    JobRecord job = expect(at->first);
    if (life->note(job)) {
      note_start(job);
      put(job);
    }
    end = end ? end : life->ended();
    if (!end) {
      ++at;
      continue;
    }
    end_life(job, *end);
    seen_.erase(at->first);
    at = lives_.erase(at);
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

/// A life that was lost leaves no code, and is followed by another.
void Engine::end_life(JobRecord job, LifeEnd end) {
  const bool was_stopping = job.state == JobState::Stopping;
  if (int left = 0; std::ifstream(spool_.code(job.id, job.starts)) >> left) {
    end = {.code = left};
  }
  job.pid = job.pid_ticks = 0;
  job.place.clear();
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
  job.message = !end.message.empty()            ? end.message
                : job.state == JobState::Failed ? last_line(tail_of(spool_.output(job.id), 4096))
                                                : "";
  put(job);
}

void Engine::start_queued() {
  must_retry_ = false;
  Index free = slots_;
  std::vector<JobRecord> taken;
  for (const auto& [id, life] : lives_) {
    taken.push_back(expect(id));
    free -= taken.back().ranks;
  }
  if (free <= 0) {
    return;
  }
  for (JobRecord& job : store_.waiting(most_looked_at)) {
    if (job.ranks > free || !executor_.prepare(job, taken)) {
      return;  // those behind it wait, or it might wait for ever
    }
    if (is_locked(spool_.run(job.id) + "/run.lock")) {  // ranks of an earlier life that have lost their mpirun
      must_retry_ = true;
    } else if (start(job)) {
      free -= job.ranks;
      taken.push_back(job);
    }
  }
}

/// @param job  prepared     @return whether a life has begun
bool Engine::start(JobRecord job) {
  ++job.starts;
  job.pid = job.pid_ticks = 0;
  note_start(job);
  put(job);
  try {
    mkdir(spool_.run(job.id).c_str(), 0700);
    unlink((spool_.run(job.id) + "/STOP").c_str());
    lives_.emplace(job.id, LifeAtHand{executor_.start(job), {}});
    put(job);
    return true;
  } catch (const Error& error) {
    if (lives_.contains(job.id)) {
      throw;
    }
    job.state = JobState::Failed;
    job.place.clear();
    job.code = static_cast<int>(error.code());
    job.message = error.what();
    job.ended = unix_time();
    put(job);
    return false;
  }
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
