// SPDX-License-Identifier: MIT
// Long, because all verbs' options are read here: CLI11, which no other file includes, takes long to compile.
#include "meha/app/program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <string_view>

#include "local_ranks.hpp"
#include "manual.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/verbs.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/core/edit_distance.hpp"
#include "meha/core/hash.hpp"
#include "meha/core/host.hpp"
#include "meha/core/version.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/formats.hpp"
#include "meha/data/hdf5_probe.hpp"
#include "meha/data/words.hpp"
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

using Verb = ExitCode (*)(const Arguments&);
using MpiVerb = ExitCode (*)(const Arguments&, const Communicator&);

CLI::IsMember one_of(std::initializer_list<std::string> words) {
  return CLI::IsMember(std::vector<std::string>(words));
}

constexpr Index most_slots = 100000;        // of a service, whose ranks may be on many machines
constexpr Index most_ranks_to_start = 256;  // each takes pipes of mpirun, whose number the system limits

CLI::Range large_number() {
  return CLI::Range(Index{1}, Index{1} << 20);
}

using Bind = std::function<void(CLI::App* command, Verb verb)>;

/// Adds `meha data VERB`: none of these starts MPI.
class DataVerbs {
 public:
  /// @param bind  says which function a command calls
  DataVerbs(CLI::App& data, DataArguments& arguments, Bind bind)
      : data_(data), arguments_(arguments), bind_(std::move(bind)) {
    data.require_subcommand(1);
    add_import();
    add_words();
    add_looks();
    add_corrupt();
    add_augment();
    add_synthetic();
  }

 private:
  CLI::App* add(const char* name, const char* summary, Verb verb) {
    CLI::App* command = data_.add_subcommand(name, summary);
    bind_(command, verb);
    return command;
  }
  void add_file(CLI::App* command) { command->add_option("file", arguments_.in, "FILE.h5")->required(); }
  void add_files(CLI::App* command) {
    command->add_option("in", arguments_.in, "FILE.h5")->required();
    command->add_option("out", arguments_.out, "FILE.h5")->required();
  }
  void add_maker(CLI::App* command) {
    command->add_option("--block-rows", arguments_.block_rows, "rows of a chunk; best as run.block_rows")
        ->check(large_number())
        ->capture_default_str();
  }
  void add_seed(CLI::App* command) {
    command->add_option("--seed", arguments_.seed, "of the random numbers")->capture_default_str();
  }
  void add_memory(CLI::App* command) {
    command->add_option("--memory", arguments_.memory, "MiB for the shuffle")
        ->check(large_number())
        ->capture_default_str();
  }
  void add_rows(CLI::App* command) {
    command->add_option("--rows", arguments_.n_rows, "rows to make")->required()->check(CLI::PositiveNumber);
    command->add_option("--threads", arguments_.n_threads, "0: one for each processor")->check(CLI::Range(0, 256));
  }

  void add_import() {
    CLI::App* import = add(
        "import", "from files of any size and of any format (meha list formats); interrupted, the same command goes on",
        data_import_verb);
    import->add_option("features", arguments_.in, "file, plain or gzipped")->required();
    std::vector<std::string> formats;
    for (const FormatInfo& info : format_table()) {
      formats.push_back(info.name);
    }
    import->add_option("--format", arguments_.format, "of the file")->required()->check(CLI::IsMember(formats));
    import->add_option("--out", arguments_.out, "FILE.h5")->required();
    import->add_option("--labels", arguments_.labels, "file of the labels (idx and npy need it)");
    import->add_option("--label-column", arguments_.label_column, "csv: its name or number from 0; default: the last");
    import->add_option("--class-names", arguments_.class_names,
                       "names of the classes 0, 1, …, between commas; a name with a comma in quotes");
    import->add_option("--header", arguments_.header, "csv: whether the first line names the columns; auto: found out")
        ->check(one_of({"auto", "true", "false"}));
    import
        ->add_option("--column", arguments_.columns,
                     std::string("csv: NAME=KIND, of ") + column_kinds + "; default: found out")
        ->allow_extra_args(false);
    import->add_option("--shuffle", arguments_.shuffle, "seed: rows in random order, with their old numbers as ids");
    import->add_option("--dtype", arguments_.dtype, "of the features; default: uint8 where they are, else float32")
        ->check(one_of({"uint8", "float16", "float32"}));
    import->add_option("--sparse", arguments_.sparse, "libsvm: auto is when less than a quarter of the values is not 0")
        ->check(one_of({"auto", "never", "always"}));
    add_memory(import);
    add_maker(import);
  }

  void add_words() {
    CLI::App* words =
        add("words", "word lists to sparse rows of hashed character n-grams, shuffled: which list is a word from?",
            data_words_verb);
    words->add_option("lists", arguments_.lists, "NAME=FILE, or FILE: a word a line, a list a class")->required();
    words->add_option("--out", arguments_.out, "FILE.h5")->required();
    words->add_option("--columns", arguments_.n_columns, "that n-grams are hashed to: a power of two up to 2^20")
        ->capture_default_str();
    words->add_option("--longest", arguments_.longest, "n-gram: characters")
        ->check(CLI::Range(Index{1}, longest_gram))
        ->capture_default_str();
    add_seed(words);
    add_memory(words);
    add_maker(words);
  }

  void add_looks() {
    add_file(add("info", "shape, type, classes, fingerprint", data_info_verb));
    CLI::App* probe = add("probe", "whether HDF5's library crashes on a file", data_probe_verb);
    add_file(probe->group(""));  // not listed
    add_file(add("verify", "reads everything: checksums, fingerprint, finite values, labels", data_verify_verb));
  }

  void add_corrupt() {
    CLI::App* corrupt =
        add("corrupt", "a copy with wrong labels, as problem.noise makes them; keeps the truth", data_corrupt_verb);
    add_files(corrupt);
    corrupt
        ->add_option("--kind", arguments_.kind,
                     "another class; any class; the next class; by a random matrix; by a weak model")
        ->required()
        ->check(one_of({"uniform", "uniform_inclusive", "pair", "classwise", "instance"}));
    corrupt->add_option("--rate", arguments_.rate, "share of the labels redrawn")
        ->required()
        ->check(CLI::Range(0.0, 1.0));
    add_seed(corrupt);
  }

  void add_augment() {
    CLI::App* augment = add("augment", "many deformed copies of uint8 images, shuffled", data_augment_verb);
    add_files(augment);
    add_rows(augment);
    add_seed(augment);
    augment->add_option("--strength", arguments_.strength, "of the deformation: 1 turns by up to 5°, 3 by up to 15°")
        ->check(CLI::Range(0.0, 4.0))
        ->capture_default_str();
    augment->add_option("--width", arguments_.width, "of an image; default: a square of 1 or 3 channels")
        ->check(CLI::PositiveNumber);
    augment->add_option("--height", arguments_.height, "of an image")->check(CLI::PositiveNumber);
    add_maker(augment);
  }

  void add_synthetic() {
    CLI::App* synthetic =
        add("synthetic", "rows of a mixture of bells, some labels wrong, truth known", data_synthetic_verb);
    synthetic->add_option("out", arguments_.out, "FILE.h5")->required();
    add_rows(synthetic);
    add_seed(synthetic);
    synthetic->add_option("--features", arguments_.n_features, "of a row")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    synthetic->add_option("--classes", arguments_.n_classes, "of the mixture")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    synthetic->add_option("--rate", arguments_.rate, "share of wrong labels")->check(CLI::Range(0.0, 1.0));
    synthetic->add_option("--dtype", arguments_.dtype, "of the features")->check(one_of({"float16", "float32"}));
    add_maker(synthetic);
  }

  CLI::App& data_;
  DataArguments& arguments_;
  Bind bind_;
};

/// What the command line says: the verb, and its arguments.
class CommandLine {
 public:
  CommandLine() {
    parser.set_version_flag("--version", std::string("meha ") + version() + " (" + git_commit() + ")");
    parser.add_flag("--manual")->description("print the manual page");
    parser.add_flag("--completion")->description("print what bash needs to complete verbs and options");
    parser.require_subcommand(1);
    parser.footer(
        "Exit codes: 0 finished, 2 config or usage, 3 data, 4 not finite, 5 run directory, 70 bug, 71 no progress, "
        "75 stopped on request (resume me).");
    add_run_and_resume();
    add_clean_and_pick();
    add_compare();
    add_report();
    add_inspect_and_plan();
    add_verify_and_export();
    add_check_and_list();
    add_serve();
    add_clients();
    CLI::App* data = parser.add_subcommand("data", "data sets: import, look, verify, corrupt, multiply");
    const DataVerbs data_verbs(*data, arguments.data,
                               [&](CLI::App* command, Verb function) { bind(command, function); });
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Errors: CLI::ParseError.
  void parse(int argc, char** argv) {
    const auto is_meant = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && parser.get_subcommands(is_meant).empty()) {
      std::vector<std::string> verbs;
      for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; })) {
        verbs.push_back(command->get_name());
      }
      throw CLI::ParseError(std::string(argv[1]) + ": no such verb; nearest is " + nearest_of(verbs, argv[1]),
                            CLI::ExitCodes::ExtrasError);
    }
    try {
      parser.parse(argc, argv);
    } catch (const CLI::ExtrasError& error) {
      throw CLI::ParseError(error.what() + nearest_option(argc, argv), CLI::ExitCodes::ExtrasError);
    }
  }

  CLI::App parser{"meha: distributed bi-level optimisation by the Moreau envelope method"};
  Arguments arguments;
  Verb verb = nullptr;  // of the two, the one that the command line names
  MpiVerb mpi_verb = nullptr;

 private:
  static std::string nearest_of(const std::vector<std::string>& words, const std::string& word) {
    return *std::ranges::min_element(words, {}, [&](const std::string& other) { return edit_distance(word, other); });
  }
  /// What the first unknown option may have been meant to be, of those of its verb; empty where all are known.
  std::string nearest_option(int argc, char** argv) {
    const CLI::App* command = &parser;
    while (!command->get_subcommands().empty()) {
      command = command->get_subcommands().back();
    }
    std::vector<std::string> options;
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        options.push_back("--" + name);
      }
    }
    for (const std::string word : std::span(argv + 1, static_cast<std::size_t>(argc - 1))) {
      const std::string name = word.substr(0, word.find('='));
      if (name.starts_with("--") && name.size() > 2 && std::ranges::find(options, name) == options.end()) {
        return "; nearest to " + name + " is " + nearest_of(options, name);
      }
    }
    return {};
  }
  void bind(CLI::App* command, Verb function) {
    command->callback([this, function] { verb = function; });
  }
  void bind(CLI::App* command, MpiVerb function) {
    command->callback([this, function] { mpi_verb = function; });
  }
  template <class AnyVerb>
  CLI::App* add(const char* name, const char* summary, AnyVerb function) {
    CLI::App* command = parser.add_subcommand(name, summary);
    bind(command, function);
    return command;
  }
  void add_settings(CLI::App* command) { add_settings(command, arguments.settings); }
  static void add_settings(CLI::App* command, std::vector<std::string>& settings) {
    command->add_option("--set", settings, "a.b=value, as in the config; the last of equals wins")
        ->allow_extra_args(false);
  }

  void add_run_and_resume() {
    CLI::App* run = add("run", "start a run, or go on with it", run_verb);
    run->add_option("config", arguments.target, "CONFIG.toml")->required();
    run->add_option("--out", arguments.out, "run directory; default: runs/<run.name>");
    add_settings(run);
    CLI::App* resume = add("resume", "go on from the newest valid checkpoint", resume_verb);
    resume->add_option("directory", arguments.target, "run directory")->required();
    add_settings(resume);
  }

  void add_clean_and_pick() {
    CleanArguments& a = arguments.clean;
    CLI::App* clean = add("clean", "which labels of a table are wrong, and the table without them", clean_verb);
    CLI::App* pick = add("pick", "rows of a table whose labels an expert should look at", pick_verb);
    for (CLI::App* command : {clean, pick}) {
      command->add_option("table", a.doubtful, "rows whose labels are in doubt")->required();
      command->add_option("--trusted", a.trusted, "rows whose labels are right; default: none are");
      command->add_option("--label", a.label_column,
                          "the labels' column: a name, or a number from 0; default: the last");
      command->add_option("--header", a.header, "whether the first line names the columns; auto: found out")
          ->check(CLI::IsMember({"auto", "true", "false"}));
      command->add_option("--column", a.columns, std::string("NAME=KIND, of ") + column_kinds + "; default: found out")
          ->allow_extra_args(false);
      command->add_option("--format", a.format, "of the files (meha list formats); default: found out");
      command
          ->add_option("--ranks", arguments.ranks, "to start; default: one for each processor where the table is large")
          ->check(CLI::Range(Index{1}, most_ranks_to_start));
      add_settings(command, a.settings);
    }
    clean->add_option("--out", a.out, "directory; default: runs/<the table's name>");
    clean->add_option("--from", a.from,
                      "directory of an earlier round on the same table, to go on from its last state");
    clean->add_option("--fix", a.fix, "cleaned.csv: all rows flagged, suspects left out, or with the suggested label")
        ->check(CLI::IsMember({"flag", "drop", "relabel"}));
    clean->add_option("--labels", a.labels, "file of the labels where they have one; idx: default the one beside it");
    clean->add_option("--trusted-labels", a.trusted_labels, "file of the trusted rows' labels");
    clean->add_option("--test", a.test, "rows to measure the cleaned model's accuracy on");
    clean->add_option("--test-labels", a.test_labels, "file of their labels");
    pick->add_option("-n", a.n_rows, "rows: half at random from each given class, half the most doubtful")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    pick->add_option("--out", a.out, "CSV to fill in, then to be --trusted")->required();
  }

  void add_compare() {
    CompareArguments& a = arguments.compare;
    CLI::App* compare =
        add("compare", "several methods on one problem, with one budget and one tuning effort", compare_verb);
    compare->add_option("target", arguments.target, "CONFIG.toml; or a comparison's directory, to see its table again")
        ->required();
    compare
        ->add_option("--algorithms", a.algorithms,
                     "between commas (meha list algorithms); a variant: aid:solver=neumann")
        ->delimiter(',');
    compare->add_option("--tune", a.n_tuned, "trials of each with drawn options, besides the one as configured")
        ->check(CLI::Range(Index{0}, Index{100000}))
        ->capture_default_str();
    compare
        ->add_option("--budget", a.budget, "of a trial: \"N visits\" of all rows of a level, \"N passes\" or \"N s\"")
        ->capture_default_str();
    compare->add_option("--every", a.every, "between reports, in the same unit; default: a 24th of the budget");
    compare->add_option("--until", a.until, "METRIC=VALUE: methods are sorted by their visits to it");
    compare->add_option("--select", a.select,
                        "metric that trials are chosen by; default: the first there is of holdout_solved, error, "
                        "upper_solved");
    compare->add_option("--seeds", a.n_seeds, "seeds run.seed, run.seed + 1, …, each with all trials")
        ->check(CLI::Range(Index{1}, Index{1000}))
        ->capture_default_str();
    compare
        ->add_option("--jobs", a.n_jobs, "trials at a time, each on its share of the ranks; default: one on each rank")
        ->check(CLI::PositiveNumber);
    compare->add_option("--baselines", a.baselines, "models without a bi-level method, where labels are in doubt")
        ->capture_default_str();
    compare->add_option("--out", a.out, "directory; default: runs/compare-<the config's name>");
    add_settings(compare);
  }

  void add_report() {
    CLI::App* report = add("report", "a run as one HTML page; several: side by side", report_verb);
    report->add_option("directories", arguments.report.directories, "run directories")->required();
    report->add_option("--out", arguments.out, "file; default: report.html in the first directory");
  }

  void add_inspect_and_plan() {
    CLI::App* inspect = add("inspect", "last metrics, stop reason, timings, config", inspect_verb);
    inspect->add_option("target", arguments.target, "run directory or state file")->required();
    inspect->add_flag("--json", arguments.json, "as JSON");
    CLI::App* runs = add("runs", "the runs below a folder, how far they are, and what to type next", runs_verb);
    runs->add_option("folder", arguments.target, "default: runs");
    runs->preparse_callback([this](std::size_t) { arguments.target = "runs"; });
    CLI::App* plan = add("plan", "memory, traffic and time that a run will take", plan_verb);
    plan->add_option("config", arguments.target, "CONFIG.toml")->required();
    plan->add_option("--ranks", arguments.ranks, "of the run; default: as many as plan runs on")->check(large_number());
    plan->add_option("--flops", arguments.flops, "rate of a rank's kernels [1e9 a second]; default: measured here")
        ->check(CLI::PositiveNumber);
    add_settings(plan);
  }

  void add_verify_and_export() {
    CLI::App* verify = add("verify", "is every file of a run directory whole?", verify_verb);
    verify->add_option("directory", arguments.target, "run directory")->required();
    CLI::App* exporter = add("export", "results as CSV or HDF5", export_verb);
    exporter->add_option("directory", arguments.target, "run directory")->required();
    exporter->add_option("--what", arguments.what, "what to export")
        ->required()
        ->check(CLI::IsMember({"samples", "history", "model"}));
    exporter->add_option("--out", arguments.out, "file; default: in the run directory");
    exporter->add_option("--top", arguments.top, "samples: only so many, the most suspicious")
        ->check(CLI::PositiveNumber);
    exporter->add_option("--below", arguments.below, "samples: only those of a smaller weight")
        ->check(CLI::Range(0.0, 1.0));
  }

  void add_check_and_list() {
    CLI::App* check = add("check", "check a problem's gradients, or a run's solution", check_verb);
    auto* config = check->add_option("config", arguments.target, "CONFIG.toml: gradients against finite differences");
    check->add_option("--solution", arguments.solution, "run directory: certificate of its solution")->excludes(config);
    check->add_option("--tolerance", arguments.tolerance, "of the proximal lower problem in the certificate")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    check->add_option("--iterations", arguments.iterations, "at most, on the proximal lower problem")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    add_settings(check);
    CLI::App* list = add("list", "what there is", list_verb);
    list->add_option("what", arguments.target, "problems, algorithms, formats, metrics or options; default: all")
        ->check(CLI::IsMember({"problems", "algorithms", "formats", "metrics", "options"}));
  }

  void add_serve() {
    ServeArguments& a = arguments.serve;
    CLI::App* serve = add("serve", "a service that queues jobs and runs them: HTTP, and a page to look at", serve_verb);
    serve->add_option("--spool", a.spool, "folder of its jobs; made where missing")->required();
    serve->add_option("--listen", a.listen, "ADDRESS:PORT; port 0: any")->capture_default_str();
    serve->add_option("--slots", a.slots, "ranks at a time, of all jobs together; default: one for each processor")
        ->check(CLI::Range(Index{1}, most_slots));
    serve->add_option("--engine", a.engine, "what runs the jobs: local, or slurm (sbatch)")
        ->check(CLI::IsMember({"local", "slurm"}))
        ->capture_default_str();
    serve->add_option("--hostfile", a.hostfile, "hosts for the ranks, by ssh: lines like nodeA slots=8");
    serve->add_option("--token-file", a.token_file,
                      "file of mode 0600 with the token that requests must bring; needed beyond this machine");
    serve->add_option("--roots", a.roots, "folders that data may be read from, besides what is uploaded");
    serve->add_option("--rate", a.rate, "requests a second that an address may make, ten times as many at once; 0: any")
        ->check(CLI::Range(Index{0}, Index{1000000}))
        ->capture_default_str();
    serve->add_option("--upload-mib", a.upload_mib, "of an uploaded file, at most")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
  }

  void add_clients() {
    ClientArguments& a = arguments.client;
    CLI::App* submit = add("submit", "hand a run to a service", submit_verb);
    CLI::App* jobs = add("jobs", "the jobs of a service", jobs_verb);
    CLI::App* watch = add("watch", "follow a job of a service; ends with its exit code", watch_verb);
    CLI::App* cancel = add("cancel", "ask a job of a service for a checkpoint and its end", cancel_verb);
    CLI::App* fetch = add("fetch", "a file of a job of a service", fetch_verb);
    for (CLI::App* command : {submit, jobs, watch, cancel, fetch}) {
      command->add_option("--server", a.server, "its address")->envname("MEHA_SERVER")->capture_default_str();
      command->add_option("--token-file", a.token_file, "file with its token");
    }
    for (CLI::App* command : {watch, cancel, fetch}) {
      command->add_option("job", a.job, "number of the job")->required()->check(CLI::PositiveNumber);
    }
    submit->add_option("config", a.config, "CONFIG.toml; its data must be where the service may read them")->required();
    submit->add_option("--ranks", a.ranks, "of the job")->check(CLI::Range(Index{1}, most_slots));
    submit->add_option("--priority", a.priority, "jobs of higher ones start first")
        ->check(CLI::Range(Index{-1000}, Index{1000}));
    submit->add_option("--name", a.name, "of the job; default: run.name");
    submit->add_flag("--upload", a.upload, "the data files, too");
    submit->add_flag("--watch", a.watch, "and follow it");
    add_settings(submit);
    fetch->add_option("file", a.file, "its name")->capture_default_str();
    fetch->add_option("--out", a.out, "file to write; default: the same name here");
  }
};

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
