// SPDX-License-Identifier: MIT
// meha resume DIR: goes on from the newest valid checkpoint, on any number of ranks.
#include <algorithm>

#include "meha/app/job.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/host.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"

namespace meha {
namespace {

void refuse_fixed(const Options& options, const std::vector<std::string>& names) {
  visit(options, [&](const OptionInfo& info, const auto&) {
    if (!info.free_on_resume() && std::find(names.begin(), names.end(), info.name) != names.end()) {
      throw Error(ExitCode::Config, std::string("--set ") + info.name +
                                        ": may not change when a run is resumed: its results would be another run's");
    }
  });
}

JobPlan plan_resume(const Arguments& arguments) {
  const RunDirectory directory(arguments.target);
  if (kind_of_file(arguments.target, ExitCode::Checkpoint) != FileKind::Folder) {
    throw Error(ExitCode::Config, arguments.target + ": no such run directory");
  }
  if (!directory.has_checkpoints()) {
    throw Error(ExitCode::Checkpoint, arguments.target + ": holds no checkpoint to resume from");
  }
  JobPlan plan;
  plan.has_checkpoints = true;
  plan.must_resume = true;
  plan.directory = arguments.target;
  plan.options = read_config(directory.file("config.toml"), ExitCode::Checkpoint);
  refuse_fixed(plan.options, apply_settings(plan.options, arguments.settings));
  check_names(plan.options);
  plan.already_done = is_finished(plan.directory, plan.options);
  return plan;
}

}  // namespace

ExitCode resume_verb(const Arguments& arguments, const Communicator& ranks) {
  return run_job(ranks, [&] { return plan_resume(arguments); });
}

}  // namespace meha
