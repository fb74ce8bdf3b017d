// SPDX-License-Identifier: MIT
#include "process_executor.hpp"

#include "meha/core/error.hpp"
#include "process.hpp"
#include "slurm_executor.hpp"

namespace meha {
namespace {

class ProcessLife : public Life {
 public:
  explicit ProcessLife(Process process) : process_(std::move(process)) {}
  [[nodiscard]] int descriptor() const override { return process_.descriptor(); }
  std::optional<LifeEnd> ended() override {
    const auto end = process_.ended();
    return end ? std::optional(LifeEnd{.code = end->code}) : std::nullopt;
  }

 private:
  Process process_;
};

}  // namespace

bool ProcessExecutor::prepare(JobRecord& job, const std::vector<JobRecord>& taken) const {
  job.state = JobState::Running;
  if (hosts_.empty()) {
    return true;
  }
  std::vector<std::string> places;
  places.reserve(taken.size());
  for (const JobRecord& other : taken) {
    places.push_back(other.place);
  }
  job.place = place_on(hosts_, places, job.ranks);
  return !job.place.empty();
}

std::unique_ptr<Life> ProcessExecutor::start(JobRecord& job) {
  std::vector<std::string> words = {tools_.launch + "/until-done", "--wait", "1", "--code",
                                    spool_.code(job.id, job.starts)};
  if (!job.place.empty()) {
    words.insert(words.end(), {tools_.launch + "/hosts", job.place});
  } else if (job.ranks > 1) {
    words.insert(words.end(), {tools_.launch + "/local", std::to_string(job.ranks)});
  }
  const auto command = command_of(job, spool_, tools_.program);
  words.insert(words.end(), command.begin(), command.end());
  Process process = Process::start({.words = words,
                                    .output = spool_.output(job.id),
                                    .lock = spool_.lock(job.id, job.starts),
                                    .environment = environment_of_jobs});
  job.pid = process.pid();
  job.pid_ticks = process.ticks();
  return std::make_unique<ProcessLife>(std::move(process));
}

std::unique_ptr<Life> ProcessExecutor::find(const JobRecord& job) {
  if (is_slurm_place(job.place)) {
    throw Error(ExitCode::Config, "job " + std::to_string(job.id) + ": is " + job.place +
                                      ": meha serve must be started with --engine slurm until it has ended");
  }
  auto process = Process::find(spool_.lock(job.id, job.starts), static_cast<pid_t>(job.pid), job.pid_ticks);
  return process ? std::make_unique<ProcessLife>(std::move(*process)) : nullptr;
}

}  // namespace meha
