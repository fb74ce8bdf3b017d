// SPDX-License-Identifier: MIT
// The program: reads the command line, starts MPI where a verb needs it, turns errors into exit codes.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "meha/app/signals.hpp"
#include "meha/app/verbs.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/core/version.hpp"

namespace {

using meha::Arguments;
using meha::ExitCode;

/// Started by srun without PMIx, every process believes it is alone: all would write the same files.
void refuse_singletons() {
  const char* n_tasks = std::getenv("SLURM_NTASKS");
  const bool in_step = std::getenv("SLURM_STEP_ID") != nullptr && std::getenv("SLURM_PROCID") != nullptr;
  if (n_tasks != nullptr && in_step && std::atoi(n_tasks) > 1 && std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr &&
      meha::Communicator::world().size() == 1) {
    throw meha::Error(ExitCode::Config, std::string("SLURM_NTASKS = ") + n_tasks +
                                            ", but MPI sees 1 rank: start with srun --mpi=pmix, or with mpirun");
  }
}

/// What all ranks failed with is said once; what one rank failed with alone ends the job for all.
int fail(const meha::Error& error, bool with_mpi) {
  const bool root = !with_mpi || meha::Communicator::world().is_root();
  if (root || error.code() == ExitCode::Bug) {
    std::cerr << "meha: " << error.what() << std::endl;
  }
  if (with_mpi && error.code() == ExitCode::Bug && meha::Communicator::world().size() > 1) {
    meha::abort_job(error.code());
  }
  return static_cast<int>(error.code());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("meha: distributed bi-level optimisation by the Moreau envelope method");
  program.set_version_flag("--version", std::string("meha ") + meha::version() + " (" + meha::git_commit() + ")");
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 finished, 2 config or usage, 3 data, 4 not finite, 5 run directory, 70 bug, "
      "75 stopped on request (resume me).");
  Arguments arguments;
  ExitCode (*verb)(const Arguments&) = nullptr;
  bool with_mpi = true;
  const auto add = [&](const char* name, const char* summary, ExitCode (*function)(const Arguments&), bool uses_mpi) {
    CLI::App* command = program.add_subcommand(name, summary);
    command->callback([&verb, &with_mpi, function, uses_mpi] {
      verb = function;
      with_mpi = uses_mpi;
    });
    return command;
  };
  const auto add_settings = [&](CLI::App* command) {
    command->add_option("--set", arguments.settings, "a.b=value, as in the config; the last of equals wins")
        ->allow_extra_args(false);
  };

  CLI::App* run = add("run", "start a run, or go on with it", meha::run_verb, true);
  run->add_option("config", arguments.target, "CONFIG.toml")->required();
  run->add_option("--out", arguments.out, "run directory; default: runs/<run.name>");
  add_settings(run);
  CLI::App* resume = add("resume", "go on from the newest valid checkpoint", meha::resume_verb, true);
  resume->add_option("directory", arguments.target, "run directory")->required();
  add_settings(resume);
  CLI::App* inspect = add("inspect", "last metrics, stop reason, timings, config", meha::inspect_verb, false);
  inspect->add_option("target", arguments.target, "run directory or state file")->required();
  inspect->add_flag("--json", arguments.json, "as JSON");
  CLI::App* exporter = add("export", "results as CSV or HDF5", meha::export_verb, true);
  exporter->add_option("directory", arguments.target, "run directory")->required();
  exporter->add_option("--what", arguments.what, "what to export")
      ->required()
      ->check(CLI::IsMember({"samples", "history", "model"}));
  exporter->add_option("--out", arguments.out, "file; default: in the run directory");
  CLI::App* check = add("check", "check a problem's gradients", meha::check_verb, true);
  check->add_option("config", arguments.target, "CONFIG.toml")->required();
  add_settings(check);
  CLI::App* list = add("list", "what there is", meha::list_verb, false);
  list->add_option("what", arguments.target, "problems, algorithms, metrics or options; default: all")
      ->check(CLI::IsMember({"problems", "algorithms", "metrics", "options"}));

  std::unique_ptr<meha::MpiSession> session;
  int code = 0;
  try {
    const auto is_meant = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(is_meant).empty()) {
      throw CLI::ParseError(std::string(argv[1]) + ": no such verb", CLI::ExitCodes::ExtrasError);
    }
    program.parse(argc, argv);
    if (with_mpi) {
      session = std::make_unique<meha::MpiSession>(&argc, &argv);
      meha::install_signal_handlers();
      refuse_singletons();
    }
    code = static_cast<int>(verb(arguments));
  } catch (const CLI::ParseError& error) {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    if (rank == nullptr || std::string(rank) == "0") {
      program.exit(error);
    }
    code = error.get_exit_code() == 0 ? 0 : static_cast<int>(ExitCode::Config);
  } catch (const meha::Error& error) {
    code = fail(error, session != nullptr);
  } catch (const std::exception& error) {
    code = fail(meha::Error(ExitCode::Bug, error.what()), session != nullptr);
  }
  session.reset();
  return code;
}
