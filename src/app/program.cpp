// SPDX-License-Identifier: MIT
#include "meha/app/program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string_view>

#include "command_line.hpp"
#include "local_ranks.hpp"
#include "manual.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/core/hash.hpp"
#include "meha/core/host.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

/// Started by something that MPI does not know, every process believes it is alone: all would write the same files.
void refuse_singletons() {
  struct Starter {
    const char* n_tasks;
    const char* only_with;  // set in what it has started, not around it
    const char* fix;
  };
  constexpr std::array starters = {
      Starter{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
              "start with the mpirun of the MPI that this program was built with"},
      Starter{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "start with srun --mpi=pmix, or with mpirun"},
      Starter{"SLURM_NTASKS", "SLURM_STEP_ID", "start with srun --mpi=pmix, or with mpirun"},
      Starter{"PMI_SIZE", "PMI_RANK", "start with Open MPI's own mpirun"},
      Starter{"PALS_NRANKS", "PALS_RANKID", "start with Open MPI's own mpirun"}};
  if (Communicator::world().size() > 1) {
    return;
  }
  for (const Starter& starter : starters) {
    const char* n_tasks = std::getenv(starter.n_tasks);
    if (n_tasks == nullptr || std::getenv(starter.only_with) == nullptr) {
      continue;
    }
    if (std::atoi(n_tasks) <= 1) {
      return;  // one rank, perhaps inside of a larger job
    }
    throw Error(ExitCode::Config,
                std::string(starter.n_tasks) + " = " + n_tasks + ", but MPI sees 1 rank: " + starter.fix);
  }
}

std::uint64_t hash_of(const Error& error) {
  const std::string text = std::to_string(static_cast<int>(error.code())) + error.what();
  return meha::hash_of(std::as_bytes(std::span(text)));
}

/// Rank 0 prints what all ranks have agreed on, or have thrown with the same words. What one rank has thrown alone is
/// printed by that rank, which then ends the job: the others may wait for it in a collective for ever.
int fail(const Error& error, bool with_mpi) {
  constexpr Real wait_s = 2;  // for ranks that find the same a moment later
  const int code = static_cast<int>(error.code());
  if (!with_mpi) {
    std::cerr << "meha: " << printable(error.what()) << std::endl;
    return code;
  }
  const Communicator comm = Communicator::world();
  const std::uint64_t mine = hash_of(error);
  const bool is_agreed = dynamic_cast<const AgreedError*>(&error) != nullptr;
  const auto all = is_agreed ? std::vector(static_cast<std::size_t>(comm.size()), mine) : comm.meet(mine, wait_s);
  const bool is_same = all && std::ranges::count(*all, mine) == comm.size();
  if (is_same && !comm.is_root()) {
    return code;
  }
  const std::string who = is_same ? "" : "rank " + std::to_string(comm.rank()) + " on " + host_name() + ": ";
  if (!all || std::ranges::find(*all, mine) - all->begin() == comm.rank()) {  // the first with these words
    std::cerr << ("meha: " + who + printable(error.what()) + "\n") << std::flush;
  }
  if (!all) {
    abort_job(error.code());
  }
  return code;
}

/// The last words of a process that an exception ends where nothing catches it: they take no memory, which may have run
/// out.
[[noreturn]] void end_with_words() {
  const auto say = [](std::string_view text) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  };
  say("meha: ");
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    say("out of memory; meha plan says what a run takes");
  } catch (const std::exception& error) {
    say(error.what());
  } catch (...) {
    say("an unknown exception");
  }
  say("\n");
  std::_Exit(static_cast<int>(ExitCode::Bug));
}

/// Errors unless all that was printed has arrived: output is what these verbs are for. A pipe that its reader has left is
/// the reader's choice.
void check_output() {
  std::cout.flush();
  struct stat output {};
  const bool is_pipe = fstat(STDOUT_FILENO, &output) == 0 && S_ISFIFO(output.st_mode);
  if ((!std::cout || std::ferror(stdout) != 0) && !is_pipe) {
    throw Error(ExitCode::Checkpoint, "standard output cannot be written: is the disk full, or the output closed?");
  }
}

constexpr auto first_words =
    "meha clean TABLE --trusted ROWS   which labels of a table are wrong, and the table without them\n"
    "meha run CONFIG.toml              a run; meha resume DIR goes on with one\n"
    "meha report DIR                   a run as a page; meha inspect DIR: in the terminal\n"
    "meha compare CONFIG.toml          several methods on one problem\n"
    "meha --help                       all verbs; meha VERB --help: its options\n";

/// Runs the verb. @return its exit code
int call(const CommandLine& line) {
  const ExitCode code =
      line.mpi_verb != nullptr ? line.mpi_verb(line.arguments, Communicator::world()) : line.verb(line.arguments);
  if (line.mpi_verb != run_verb && line.mpi_verb != resume_verb) {
    check_output();
  }
  return static_cast<int>(code);
}

}  // namespace

int program(int argc, char** argv) {
  std::set_terminate(end_with_words);
  std::signal(SIGXFSZ, SIG_IGN);  // a file above the limit of ulimit -f becomes an error of the write
  probe_hdf5_files_with({"meha", "data", "probe", "--"});
  if (argc == 1) {
    std::cerr << first_words;
    return static_cast<int>(ExitCode::Config);
  }
  CommandLine line;
  std::unique_ptr<MpiSession> session;
  int code = 0;
  try {
    (void)all_options();  // makes the tables of problems and algorithms, which add their metrics
    if (argc == 2 && (argv[1] == std::string("--manual") || argv[1] == std::string("--completion"))) {
      std::cout << (argv[1] == std::string("--manual") ? manual_page(line.parser) : bash_completion(line.parser));
      return 0;
    }
    line.parse(argc, argv);
    if (line.mpi_verb == clean_verb || line.mpi_verb == pick_verb) {
      start_on_ranks(ranks_for(line.arguments.clean.doubtful, line.arguments.ranks), argv);
    }
    if (line.mpi_verb == quickstart_verb) {
      start_on_ranks(is_in_job() ? 1 : 2, argv);
    }
    if (line.mpi_verb != nullptr) {
      session = std::make_unique<MpiSession>(&argc, &argv);
      install_signal_handlers(Communicator::world().is_root(), Communicator::world().size() == 1);
      refuse_singletons();
      make_contact(Communicator::world());
    }
    code = call(line);
  } catch (const CLI::ParseError& error) {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    if (rank == nullptr || std::string(rank) == "0") {
      line.parser.exit(error);
    }
    code = error.get_exit_code() == 0 ? 0 : static_cast<int>(ExitCode::Config);
  } catch (const AgreedError& error) {
    code = fail(error, session != nullptr);
  } catch (const std::exception& error) {
    code = fail(as_error(error), session != nullptr);
  }
  keep_stop_requests();  // what has ended needs no stopping: mpirun ends all ranks when the first returns an error
  session.reset();
  return code;
}

}  // namespace meha
