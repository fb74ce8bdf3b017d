// SPDX-License-Identifier: MIT
#include "meha/app/program.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "meha/app/signals.hpp"
#include "meha/app/verbs.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/core/version.hpp"

namespace meha {
namespace {

/// Started by srun without PMIx, every process believes it is alone: all would write the same files.
void refuse_singletons() {
  const char* n_tasks = std::getenv("SLURM_NTASKS");
  const bool in_step = std::getenv("SLURM_STEP_ID") != nullptr && std::getenv("SLURM_PROCID") != nullptr;
  if (n_tasks != nullptr && in_step && std::atoi(n_tasks) > 1 && std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr &&
      Communicator::world().size() == 1) {
    throw Error(ExitCode::Config, std::string("SLURM_NTASKS = ") + n_tasks +
                                      ", but MPI sees 1 rank: start with srun --mpi=pmix, or with mpirun");
  }
}

/// What all ranks failed with is said once; what one rank failed with alone ends the job for all.
int fail(const Error& error, bool with_mpi) {
  const bool root = !with_mpi || Communicator::world().is_root();
  if (root || error.code() == ExitCode::Bug) {
    std::cerr << "meha: " << error.what() << std::endl;
  }
  if (with_mpi && error.code() == ExitCode::Bug && Communicator::world().size() > 1) {
    abort_job(error.code());
  }
  return static_cast<int>(error.code());
}

}  // namespace

int program(int argc, char** argv) {
  CLI::App command_line("meha: distributed bi-level optimisation by the Moreau envelope method");
  command_line.set_version_flag("--version", std::string("meha ") + version() + " (" + git_commit() + ")");
  command_line.require_subcommand(1);
  command_line.footer(
      "Exit codes: 0 finished, 2 config or usage, 3 data, 4 not finite, 5 run directory, 70 bug, "
      "75 stopped on request (resume me).");
  Arguments arguments;
  ExitCode (*verb)(const Arguments&) = nullptr;
  bool with_mpi = true;
  const auto add = [&](const char* name, const char* summary, ExitCode (*function)(const Arguments&), bool uses_mpi) {
    CLI::App* command = command_line.add_subcommand(name, summary);
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

  CLI::App* run = add("run", "start a run, or go on with it", run_verb, true);
  run->add_option("config", arguments.target, "CONFIG.toml")->required();
  run->add_option("--out", arguments.out, "run directory; default: runs/<run.name>");
  add_settings(run);
  CLI::App* resume = add("resume", "go on from the newest valid checkpoint", resume_verb, true);
  resume->add_option("directory", arguments.target, "run directory")->required();
  add_settings(resume);
  CLI::App* inspect = add("inspect", "last metrics, stop reason, timings, config", inspect_verb, false);
  inspect->add_option("target", arguments.target, "run directory or state file")->required();
  inspect->add_flag("--json", arguments.json, "as JSON");
  CLI::App* verify = add("verify", "is every file of a run directory whole?", verify_verb, false);
  verify->add_option("directory", arguments.target, "run directory")->required();
  CLI::App* exporter = add("export", "results as CSV or HDF5", export_verb, true);
  exporter->add_option("directory", arguments.target, "run directory")->required();
  exporter->add_option("--what", arguments.what, "what to export")
      ->required()
      ->check(CLI::IsMember({"samples", "history", "model"}));
  exporter->add_option("--out", arguments.out, "file; default: in the run directory");
  CLI::App* check = add("check", "check a problem's gradients, or a run's solution", check_verb, true);
  auto* config = check->add_option("config", arguments.target, "CONFIG.toml: gradients against finite differences");
  check->add_option("--solution", arguments.solution, "run directory: certificate of its solution")->excludes(config);
  check->add_option("--tolerance", arguments.tolerance, "of the proximal lower problem in the certificate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  check->add_option("--iterations", arguments.iterations, "at most, on the proximal lower problem")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_settings(check);
  CLI::App* list = add("list", "what there is", list_verb, false);
  list->add_option("what", arguments.target, "problems, algorithms, metrics or options; default: all")
      ->check(CLI::IsMember({"problems", "algorithms", "metrics", "options"}));

  std::unique_ptr<MpiSession> session;
  int code = 0;
  try {
    const auto is_meant = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && command_line.get_subcommands(is_meant).empty()) {
      throw CLI::ParseError(std::string(argv[1]) + ": no such verb", CLI::ExitCodes::ExtrasError);
    }
    command_line.parse(argc, argv);
    if (with_mpi) {
      session = std::make_unique<MpiSession>(&argc, &argv);
      install_signal_handlers();
      refuse_singletons();
    }
    code = static_cast<int>(verb(arguments));
  } catch (const CLI::ParseError& error) {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    if (rank == nullptr || std::string(rank) == "0") {
      command_line.exit(error);
    }
    code = error.get_exit_code() == 0 ? 0 : static_cast<int>(ExitCode::Config);
  } catch (const Error& error) {
    code = fail(error, session != nullptr);
  } catch (const std::exception& error) {
    code = fail(Error(ExitCode::Bug, error.what()), session != nullptr);
  }
  session.reset();
  return code;
}

}  // namespace meha
