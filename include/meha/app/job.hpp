// SPDX-License-Identifier: MIT
// One life of a run, from config or checkpoint to result: what `meha run` and `meha resume` share.
#pragma once

#include <string>
#include <vector>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/core/status.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

/// What a life of a run begins with; rank 0 decides, all ranks know.
struct JobPlan {
  Options options;
  std::string directory;
  bool resume = false;        // a checkpoint must be there
  bool already_done = false;  // nothing is left to do
};

/// For pack(): calls `see(name, member)` for every member.
template <class AnyPlan, class See>
  requires std::same_as<std::remove_const_t<AnyPlan>, JobPlan>
void visit(AnyPlan& plan, See&& see) {
  visit(plan.options, see);
  see("directory", plan.directory);
  see("resume", plan.resume);
  see("already_done", plan.already_done);
}

/// Errors unless problem.type and algorithm.name exist.
void check_names(const Options& options);

/// The instruction set that run.simd asks for, the same on all ranks. Collective.
/// Errors: Error(Config) when a rank's processor lacks it.
Simd agree_on_simd(const Communicator& comm, const std::string& wanted);

/// Whether `directory` holds a result with all of options.run.iterations done.
bool is_finished(const std::string& directory, const Options& options);

/// What a person wants to know at the end: the last metrics with their meanings, where the files are, why it stopped.
std::string summary(const std::string& directory, Status status);

/// Lives it. @param plan  the same on all ranks. Collective.
ExitCode run_job(const JobPlan& plan, Communicator& comm);

}  // namespace meha
