// SPDX-License-Identifier: MIT
// meha run CONFIG.toml: starts a run, or goes on with it when its directory already holds one of the same config.
#include "meha/app/job.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

void refuse_other_config(const std::string& directory, const Options& options) {
  const std::string file = RunDirectory(directory).file("config.toml");
  std::string differences;
  for (const OptionDifference& d : compare(read_config(file, ExitCode::Checkpoint), options)) {
    differences += "\n  " + d.name + ": " + d.before + " there, " + d.after + " here";
  }
  if (!differences.empty()) {
    throw Error(ExitCode::Config, directory + " holds a run of another config:" + differences +
                                      "\nchoose another --out, or change what may change with: meha resume " +
                                      directory + " --set …");
  }
}

}  // namespace

JobPlan plan_of_run(const std::string& config, const std::vector<std::string>& settings, const std::string& directory) {
  JobPlan plan;
  plan.options = options_of_config(config, settings);
  plan.directory = directory.empty() ? "runs/" + plan.options.run.name : directory;
  plan.has_checkpoints = RunDirectory(plan.directory).has_checkpoints();
  if (plan.has_checkpoints) {
    refuse_other_config(plan.directory, plan.options);
    adopt_chosen(read_config(RunDirectory(plan.directory).file("config.toml"), ExitCode::Checkpoint), plan.options);
    plan.already_done = is_finished(plan.directory, plan.options);
  }
  return plan;
}

ExitCode run_verb(const Arguments& arguments, const Communicator& ranks) {
  return run_job(ranks, [&] { return plan_of_run(arguments.target, arguments.settings, arguments.out); });
}

}  // namespace meha
