// SPDX-License-Identifier: MIT
// meha run CONFIG.toml: starts a run, or goes on with it when its directory already holds one of the same config.
#include <algorithm>
#include <array>

#include "meha/app/job.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/host.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/core/status.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"
#include "meha/solver/registry.hpp"
#include "local_ranks.hpp"

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
                                      "\nchoose another --out, or change what may change with: " + own_command() +
                                      " resume " + shell_word(directory) + " --set …");
  }
}

/// A person's files in what is to become a run directory would be lost. Errors: Error(Checkpoint) naming the first one.
void refuse_foreign_files(const RunDirectory& directory) {
  const auto refuse = [&](const std::string& name, const std::string& why) {
    throw Error(ExitCode::Checkpoint, directory.file(name) + ": " + why +
                                          ", and a run in this directory would replace it: move it away, or choose "
                                          "another --out");
  };
  const auto is_there = [&](const char* name) { return file_exists(directory.file(name), ExitCode::Checkpoint); };
  if (is_there("config.toml") && !is_resolved_config(directory.file("config.toml"))) {
    refuse("config.toml", "was not written by a run");
  }
  for (const char* name : {"result.h5", "metrics.jsonl", "latest.h5", "columns.json", "run.log"}) {
    const bool is_folder = kind_of_file(directory.file(name), ExitCode::Checkpoint) == FileKind::Folder;
    if (!is_there("config.toml") && is_there(name) && !(is_folder && name == std::string("run.log"))) {
      refuse(name, "is there, but no config.toml of a run");
    }
  }
  if (is_there("result.h5")) {
    if (const auto damage = damage_of(directory.file("result.h5"))) {
      refuse("result.h5", *damage);
    }
  }
}

}  // namespace

bool holds_finished_result(const std::string& directory) {
  const std::string result = RunDirectory(directory).file("result.h5");
  if (!file_exists(result, ExitCode::Checkpoint) || damage_of(result)) {
    return false;
  }
  const std::string status = read_record(result).texts.at("status");
  constexpr std::array ends = {Status::Finished, Status::Converged, Status::ErrorReached, Status::NoProgress};
  return std::ranges::any_of(ends, [&](Status end) { return status == name(end); });
}

JobPlan plan_of_run(const std::string& config, const std::vector<std::string>& settings, const std::string& out) {
  JobPlan plan;
  plan.options = options_of_config(config, settings);
  plan.directory = out.empty() ? "runs/" + plan.options.run.name : out;
  const RunDirectory directory(plan.directory);
  plan.has_checkpoints = directory.has_checkpoints();
  if (!plan.has_checkpoints) {
    refuse_foreign_files(directory);
  }
  const bool has_result = holds_finished_result(plan.directory);
  if (plan.has_checkpoints || has_result) {
    refuse_other_config(plan.directory, plan.options);
    adopt_chosen(read_config(directory.file("config.toml"), ExitCode::Checkpoint), plan.options);
    plan.already_done = is_finished(plan.directory, plan.options);
  }
  if (!plan.has_checkpoints && has_result && !plan.already_done) {
    throw Error(ExitCode::Checkpoint,
                directory.file("result.h5") +
                    ": is the result of a finished run whose checkpoints are gone: the run cannot "
                    "go on, and would begin anew and replace it; choose another --out");
  }
  return plan;
}

ExitCode run_verb(const Arguments& arguments, const Communicator& ranks) {
  return run_job(ranks, [&] { return plan_of_run(arguments.target, arguments.settings, arguments.out); });
}

}  // namespace meha
