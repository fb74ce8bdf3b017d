// SPDX-License-Identifier: MIT
#include "slurm_executor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include "meha/core/error.hpp"
#include "process.hpp"

namespace meha {
namespace {

constexpr std::string_view place_begins = "Slurm job ";

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

template <std::size_t n>
bool is_among(const std::string& state, const std::array<const char*, n>& states) {
  return std::ranges::find(states, state) != states.end();
}

// Source: https://slurm.schedmd.com/squeue.html, job state codes. All others are of jobs that run.
constexpr std::array waiting_states = {"PENDING",      "CONFIGURING",  "REQUEUED",     "REQUEUE_FED",
                                       "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"};
constexpr std::array lost_states = {"COMPLETED", "NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "TIMEOUT"};
constexpr std::array failed_states = {"FAILED", "OUT_OF_MEMORY", "DEADLINE", "REVOKED"};

/// What has become of a Slurm job that left no exit code of the run. @return nothing while it goes on
std::optional<LifeEnd> end_in(const std::string& state, bool was_stopping) {
  if (state.empty() || is_among(state, lost_states)) {
    return LifeEnd{};
  }
  if (state.starts_with("CANCELLED")) {
    return LifeEnd{.code = static_cast<int>(ExitCode::Stopped), .message = was_stopping ? "" : "cancelled in Slurm"};
  }
  if (is_among(state, failed_states)) {
    return was_stopping ? LifeEnd{}
                        : LifeEnd{.code = static_cast<int>(ExitCode::Bug),
                                  .message = "Slurm says " + state + ", and the run has left no exit code"};
  }
  return std::nullopt;
}

/// Whether sbatch was refused because Slurm's controller could not be reached: later it may.
bool is_passing(const std::string& refusal) {
  constexpr std::array words = {"contact slurm controller",
                                "controller not responding",
                                "in standby mode",
                                "timed out",
                                "temporarily",
                                "Zero Bytes"};
  return std::ranges::any_of(words, [&](const char* part) { return refusal.find(part) != std::string::npos; });
}

/// Same for all lives of a job, and no other job's of any service: the time in microseconds makes it so.
std::string name_of(const JobRecord& job) {
  return "meha-" + std::to_string(job.id) + "-" + std::to_string(std::llround(job.created * 1e6));
}

/// What sbatch has said: the number of a job, perhaps between warnings, or why there is none.
struct Reply {
  std::string id, last_line;
};
Reply read_reply(const std::string& file) {
  Reply reply;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::string number = line.substr(0, line.find(';'));  // behind it the name of a cluster
    if (is_number(number)) {
      reply.id = number;
    }
    reply.last_line = line;
  }
  return reply;
}

class SlurmLife : public Life {
 public:
  /// @param submission  sbatch; nothing: it has ended     @param id  empty: not known yet
  SlurmLife(Slurm& slurm, std::optional<Process> submission, std::string id, std::string reply)
      : slurm_(slurm), submission_(std::move(submission)), id_(std::move(id)), reply_(std::move(reply)) {}

  [[nodiscard]] int descriptor() const override { return submission_ ? submission_->descriptor() : -1; }

  bool note(JobRecord& job) override {
    if (submission_ && submission_->ended()) {
      submission_.reset();
      seen_ = slurm_.n_answers();
    }
    if (submission_ || end_) {
      return false;
    }
    if (id_.empty()) {
      return note_id(job);
    }
    if (slurm_.n_answers() == std::exchange(seen_, slurm_.n_answers())) {
      return false;
    }
    const std::string known = slurm_.state_of(id_);
    const std::string state = known.empty() ? slurm_.accounted_state_of(id_) : known;
    const bool is_stopping = job.state == JobState::Stopping;
    const bool is_waiting = is_among(state, waiting_states);
    end_ = end_in(state, is_stopping);
    if (is_stopping && is_waiting) {
      slurm_.cancel_waiting(id_);
    }
    const JobState shown = is_stopping || end_ ? job.state : is_waiting ? JobState::Queued : JobState::Running;
    return std::exchange(job.state, shown) != shown;
  }
  std::optional<LifeEnd> ended() override { return end_; }
  void stop() override {
    if (!id_.empty()) {
      slurm_.cancel_waiting(id_);
      slurm_.signal(id_);
    }
  }

 private:
  /// The number that sbatch has left; without one, that of the job of this name in an answer after the end of sbatch.
  bool note_id(JobRecord& job) {
    const Reply reply = read_reply(reply_);
    id_ = reply.id;
    if (id_.empty() && slurm_.n_answers() == seen_) {
      return false;
    }
    id_ = id_.empty() ? slurm_.id_of(name_of(job), std::to_string(job.starts)) : id_;
    if (!id_.empty()) {
      job.place = std::string(place_begins) + id_;
      return true;
    }
    const bool is_refused =
        !reply.last_line.empty() && !is_passing(reply.last_line);  // else sbatch was killed, or is to try again
    end_ = is_refused ? LifeEnd{.code = static_cast<int>(ExitCode::Config), .message = reply.last_line} : LifeEnd{};
    return false;
  }

  Slurm& slurm_;
  std::optional<Process> submission_;
  std::string id_, reply_;
  std::optional<LifeEnd> end_;
  Index seen_ = 0;  // answers of Slurm that are too old to tell anything
};

}  // namespace

bool is_slurm_place(const std::string& place) {
  return place.starts_with(place_begins);
}

bool SlurmExecutor::prepare(JobRecord& job, const std::vector<JobRecord>& /*taken*/) const {
  job.place = std::string(place_begins) + name_of(job);
  return true;
}

std::unique_ptr<Life> SlurmExecutor::start(JobRecord& job) {
  std::string output;  // in which Slurm would replace %j, say
  for (const char c : spool_.output(job.id)) {
    output += c == '%' ? "%%" : std::string(1, c);
  }
  std::vector<std::string> words = {slurm_.sbatch(),
                                    "--parsable",
                                    "--job-name=" + name_of(job),
                                    "--comment=" + std::to_string(job.starts),
                                    "--dependency=singleton",
                                    "--ntasks=" + std::to_string(job.ranks),
                                    "--chdir=" + spool_.path(),
                                    "--output=" + output,
                                    "--export=ALL",
                                    tools_.launch + "/slurm.sbatch"};
  const auto command = command_of(job, spool_, tools_.program);
  words.insert(words.end(), command.begin(), command.end());
  std::vector<std::string> environment = environment_of_jobs;
  environment.push_back("MEHA_LAUNCH=" + tools_.launch);
  environment.push_back("MEHA_CODE_FILE=" + spool_.code(job.id, job.starts));
  Process submission = Process::start({.words = words,
                                       .output = spool_.reply(job.id, job.starts),
                                       .lock = spool_.lock(job.id, job.starts),
                                       .environment = environment});
  job.pid = submission.pid();
  job.pid_ticks = submission.ticks();
  return std::make_unique<SlurmLife>(slurm_, std::move(submission), "", spool_.reply(job.id, job.starts));
}

std::unique_ptr<Life> SlurmExecutor::find(const JobRecord& job) {
  auto process = Process::find(spool_.lock(job.id, job.starts), static_cast<pid_t>(job.pid), job.pid_ticks);
  if (!is_slurm_place(job.place)) {
    if (process) {
      throw Error(ExitCode::Config, "job " + std::to_string(job.id) +
                                        ": runs without Slurm: meha serve must be started without --engine slurm until "
                                        "it has ended");
    }
    return nullptr;
  }
  const std::string id = job.place.substr(place_begins.size());
  return std::make_unique<SlurmLife>(slurm_, std::move(process), is_number(id) ? id : "",
                                     spool_.reply(job.id, job.starts));
}

}  // namespace meha
