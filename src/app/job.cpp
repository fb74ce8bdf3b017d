// SPDX-License-Identifier: MIT
#include "meha/app/job.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "meha/app/setup.hpp"
#include "meha/app/summary.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/host.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"
#include "meha/solver/registry.hpp"
#include "command_words.hpp"
#include "job_run.hpp"
#include "local_ranks.hpp"

namespace meha {
namespace {

/// One life, with as many deals as are worth their time. @param plan  the same on all ranks. Collective.
ExitCode live(JobPlan plan, Communicator& comm, const SeeRows& see_rows) {
  const Watchdog watchdog(comm, plan.options.comm.watchdog_s);
  const std::string stop_file = RunDirectory(plan.directory).file("STOP");
  std::string old_stop_file = access(stop_file.c_str(), F_OK) == 0 ? stop_file : "";
  const auto poll = request_poll(comm, plan.options.run.time_limit_s, stop_file);
  Balance balance(comm, plan.options);
  while (true) {
    if (const auto code = Job(plan, comm, balance, poll, old_stop_file, see_rows).run()) {
      return *code;
    }
    old_stop_file.clear();
  }
}

}  // namespace

bool is_finished(const std::string& directory, const Options& options) {
  const std::string result = RunDirectory(directory).file("result.h5");
  if (!file_exists(result, ExitCode::Checkpoint) || damage_of(result)) {
    return false;
  }
  const Record record = read_record(result);
  const std::string& status = record.texts.at("status");
  if (status == name(Status::Finished)) {
    const Count& wanted = options.run.iterations;
    return wanted.in_passes ? parse_config(record.texts.at("config"), result).run.iterations == wanted
                            : record.iteration >= wanted.n;
  }
  const auto changed = compare(parse_config(record.texts.at("config"), result), options);
  const bool same_end = std::none_of(changed.begin(), changed.end(), [](const OptionDifference& d) {
    return d.name == "run.iterations" || d.name.starts_with("run.stop_");
  });
  return same_end && (status == name(Status::Converged) || status == name(Status::ErrorReached) ||
                      status == name(Status::NoProgress));
}

ExitCode run_job(const Communicator& ranks, const std::function<JobPlan()>& make_plan, const SeeRows& see_rows) {
  Communicator comm = ranks;
  std::string bytes;
  comm.root_or_none([&] { bytes = pack(make_plan()); });
  comm.broadcast(bytes);
  JobPlan with_all_options;
  with_all_options.options = all_options();
  const auto plan = unpack(bytes, with_all_options);
  if (!plan.already_done) {
    return live(plan, comm, see_rows);
  }
  if (comm.is_root() && plan.brief) {
    std::cout << plan.directory << ": finished already\n"
              << in_flags(labels_text_of(RunDirectory(plan.directory).file("result.h5")), flags_of_clean);
  } else if (comm.is_root()) {
    const Record record = read_record(RunDirectory(plan.directory).file("result.h5"));
    Status ended = Status::Finished;
    for (const Status status : {Status::Converged, Status::ErrorReached, Status::NoProgress}) {
      ended = record.texts.at("status") == name(status) ? status : ended;
    }
    std::cout << plan.directory << ": finished already; to go further: " << own_command() << " resume "
              << shell_word(plan.directory) << " --set run.iterations=N\n"
              << summary(plan.directory, record.solution_iteration, ended,
                         labels_text_of(RunDirectory(plan.directory).file("result.h5")))
              << '\n';
  }
  return ExitCode::Finished;
}

}  // namespace meha
