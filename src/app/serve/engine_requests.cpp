// SPDX-License-Identifier: MIT
// What an engine is asked for; what happens by itself stands in engine.cpp.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "engine.hpp"
#include "roots.hpp"

namespace meha {
namespace {

[[noreturn]] void refuse(const JobRecord& job, const std::string& rule) {
  throw WrongState("job " + std::to_string(job.id) + " is " + std::string(name(job.state)) + ": " + rule);
}

/// Whether the job's command, settings or config name this upload. Errors: Error(Checkpoint) where its config cannot be read.
bool reads(const JobRecord& job, const Spool& spool, const std::string& upload) {
  const std::string file = spool.config(job.id);
  std::string text = std::filesystem::exists(file) ? read_text(file, ExitCode::Checkpoint) : "";
  for (const auto* words : {&job.words, &job.settings}) {
    for (const std::string& word : *words) {
      text += "\n" + word;
    }
  }
  const std::string name = "/uploads/" + upload;  // what is before it may be written in several ways
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if (end == text.size() || !is_upload_name("x" + text.substr(end, 1))) {
      return true;
    }
  }
  return false;
}

}  // namespace

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

JobRecord Engine::expect(Index id) {
  auto job = store_.get(id);
  if (!job) {
    throw WrongState("job " + std::to_string(id) + ": no such job");
  }
  return *job;
}

void Engine::put(const JobRecord& job) {
  store_.put(job);
  changes_.note(job.id);
}

Engine::Submitted Engine::submit(JobRecord job, const std::string& config, const RequestKey& key) {
  const std::scoped_lock lock(mutex_);
  if (const auto made = key.key.empty() ? std::nullopt : store_.made_by(key.key)) {
    if (made->second != key.hash) {
      throw WrongState("Idempotency-Key " + key.key + ": was the key of another request, which made job " +
                       std::to_string(made->first));
    }
    return {.id = made->first, .was_there = true};
  }
  job.created = unix_time();
  job.state = JobState::Deleting;  // until its config is there
  job.id = store_.add(job, key);
  if (!config.empty()) {
    write_durably(spool_.config(job.id), config);
  }
  job.state = JobState::Queued;
  put(job);
  wake();
  return {.id = job.id, .was_there = false};
}

void Engine::cancel(Index id) {
  const std::scoped_lock lock(mutex_);
  JobRecord job = expect(id);
  if (job.state == JobState::Queued && job.place.empty()) {
    job.state = JobState::Stopped;
    job.code = static_cast<int>(ExitCode::Stopped);
    job.message = "stopped while it waited";
    job.ended = unix_time();
    if (is_locked(spool_.run(id) + "/run.lock")) {  // by ranks that have lost those who started them
      ask_to_stop(id);
    }
  } else if (!is_over(job.state)) {
    if (const auto at = lives_.find(id); at != lives_.end() && job.state != JobState::Stopping) {
      at->second.life->stop();
    }
    job.state = JobState::Stopping;
    ask_to_stop(id);
  } else {
    refuse(job, "only jobs that wait or run can be stopped");
  }
  put(job);
  wake();
}

void Engine::resume(Index id, const std::vector<std::string>& settings, Index iterations) {
  const std::scoped_lock lock(mutex_);
  JobRecord job = expect(id);
  if (!is_over(job.state)) {
    refuse(job, "only jobs that are over can be resumed");
  }
  job.settings.insert(job.settings.end(), settings.begin(), settings.end());
  job.iterations = iterations;
  job.state = JobState::Queued;
  job.code = std::nullopt;
  job.message.clear();
  job.ended = 0;
  job.lost = 0;
  put(job);
  wake();
}

void Engine::remove(Index id) {
  const std::scoped_lock lock(mutex_);
  JobRecord job = expect(id);
  if (is_active(job)) {
    refuse(job, "stop it before it is deleted");
  }
  if (is_locked(spool_.report_lock(id))) {
    refuse(job, "its report is being made");
  }
  job.state = JobState::Deleting;
  put(job);
  spool_.remove(id, job.starts);
  store_.remove(id);
  changes_.note(id);
}

bool Engine::remove_upload(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const std::string path = spool_.uploads() + "/" + name;
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return false;
  }
  for (const JobState state : {JobState::Queued, JobState::Running, JobState::Stopping, JobState::Stopped,
                               JobState::Failed, JobState::Deleting}) {
    for (const JobRecord& job : store_.in_state(state)) {
      if (reads(job, spool_, name)) {
        refuse(job, "it reads file " + name + ": delete the job first");
      }
    }
  }
  if (!std::filesystem::remove(path, error)) {
    throw Error(ExitCode::Checkpoint, "file " + name + " cannot be removed: " + error.message());
  }
  return true;
}

void Engine::make_report(Index id) {
  const std::scoped_lock lock(mutex_);
  const JobRecord job = expect(id);
  if (!is_over(job.state)) {
    refuse(job, "a report is made of a job that is over");
  }
  if (kind_of_file(spool_.run(id) + "/result.h5", ExitCode::Checkpoint) != FileKind::Regular) {
    refuse(job, "it has no result");
  }
  if (is_locked(spool_.report_lock(id))) {
    refuse(job, "its report is being made");
  }
  reporters_.insert_or_assign(id, Process::start({.words = {program_, "report", spool_.run(id)},
                                                  .output = spool_.output(id),
                                                  .lock = spool_.report_lock(id),
                                                  .environment = environment_of_jobs}));
  wake();
}

void Engine::ask_to_stop(Index id) const {
  const int file = open((spool_.run(id) + "/STOP").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file >= 0) {
    close(file);
  }
}

}  // namespace meha
