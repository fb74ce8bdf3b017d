// SPDX-License-Identifier: MIT
// One process lifetime of a run, from config or checkpoint to result: what `meha run` and `meha resume` share.
#pragma once

#include <functional>
#include <string>

#include "meha/app/answers.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/core/error.hpp"
#include "meha/core/options.hpp"

namespace meha {

/// What a process lifetime of a run begins with; rank 0 decides, all ranks know.
struct JobPlan {
  Options options;
  std::string directory;
  bool has_checkpoints = false;  // of this very run, of whatever quality
  bool must_resume = false;      // a valid checkpoint must be there
  bool already_done = false;     // nothing is left to do
  bool has_same_rows = false;    // run.initial_state is of the same training rows
  bool brief = false;            // what is said at the end leaves metrics out
};

/// For pack(): calls `see(name, member)` for every member.
template <class AnyPlan, class See>
requires std::same_as<std::remove_const_t<AnyPlan>, JobPlan>
void visit(AnyPlan& plan, See&& see) {
  visit(plan.options, see);
  see("directory", plan.directory);
  see("has_checkpoints", plan.has_checkpoints);
  see("must_resume", plan.must_resume);
  see("already_done", plan.already_done);
  see("has_same_rows", plan.has_same_rows);
  see("brief", plan.brief);
}

/// Plans what `meha run` does with a config file and a directory (default: runs/ and the run's name); on rank 0.
/// Errors: as options_of_config(); Error(Config) when the directory holds a run of another config.
JobPlan plan_of_run(const std::string& config, const std::vector<std::string>& settings, const std::string& out);

/// Whether the directory holds the result of a run that has come to its end.
bool holds_finished_result(const std::string& directory);

/// Whether `directory` holds a result with all of options.run.iterations done.
bool is_finished(const std::string& directory, const Options& options);

/// Makes the plan on rank 0, where files are looked at, and executes it on all of these ranks. Collective.
/// @param see_rows  may be empty; called on all ranks, collectively, when a run on doubtful labels has finished in this
///                  process with its rows sharded
ExitCode run_job(const Communicator& ranks, const std::function<JobPlan()>& make_plan, const SeeRows& see_rows = {});

}  // namespace meha
