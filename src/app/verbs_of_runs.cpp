// SPDX-License-Identifier: MIT
// Options of the verbs that start runs.
#include "command_line.hpp"
#include "meha/data/columns.hpp"

namespace meha {
namespace {

constexpr Index most_ranks_to_start = 256;  // each takes pipes of mpirun, whose number the system limits

void add_quickstart(CommandLine& line) {
  CLI::App* quickstart =
      line.add("quickstart", "cleans labels whose truth is known, to see what a run shows", quickstart_verb);
  quickstart->add_option("--out", line.arguments.out, "run directory; default: runs/quickstart");
  quickstart->add_flag("--synthetic", line.arguments.synthetic,
                       "rows of a mixture of bells; default: images where dataset-fashion-mnist is installed");
}

void add_run_and_resume(CommandLine& line) {
  CLI::App* run = line.add("run", "start a run, or go on with it", run_verb);
  run->add_option("config", line.arguments.target, "CONFIG.toml")->required();
  run->add_option("--out", line.arguments.out, "run directory; default: runs/<run.name>");
  add_settings(run, line.arguments.settings);
  CLI::App* resume = line.add("resume", "go on from the newest valid checkpoint", resume_verb);
  resume->add_option("directory", line.arguments.target, "run directory")->required();
  add_settings(resume, line.arguments.settings);
}

void add_clean_and_pick(CommandLine& line) {
  CleanArguments& a = line.arguments.clean;
  CLI::App* clean = line.add("clean", "which labels of a table are wrong, and the table without them", clean_verb);
  CLI::App* pick = line.add("pick", "rows of a table whose labels an expert should look at", pick_verb);
  for (CLI::App* command : {clean, pick}) {
    command->add_option("table", a.doubtful, "rows whose labels are in doubt")->required();
    command->add_option("--trusted", a.trusted, "rows whose labels are right; default: none are");
    command->add_option("--label", a.label_column, "the labels' column: a name, or a number from 0; default: the last");
    command->add_option("--header", a.header, "whether the first line names the columns; auto: found out")
        ->check(CLI::IsMember({"auto", "true", "false"}));
    command->add_option("--column", a.columns, std::string("NAME=KIND, of ") + column_kinds + "; default: found out")
        ->allow_extra_args(false);
    command->add_option("--format", a.format, "of the files (meha list formats); default: found out");
    command
        ->add_option("--ranks", line.arguments.ranks,
                     "to start; default: one for each processor where the table is large")
        ->check(CLI::Range(Index{1}, most_ranks_to_start));
    add_settings(command, a.settings);
  }
  clean->add_option("--out", a.out, "directory; default: runs/<the table's name>");
  clean->add_option("--from", a.from, "directory of an earlier round on the same table, to go on from its last state");
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

void add_compare(CommandLine& line) {
  CompareArguments& a = line.arguments.compare;
  CLI::App* compare =
      line.add("compare", "several methods on one problem, with one budget and one tuning effort", compare_verb);
  compare
      ->add_option("target", line.arguments.target, "CONFIG.toml; or a comparison's directory, to see its table again")
      ->required();
  compare
      ->add_option("--algorithms", a.algorithms, "between commas (meha list algorithms); a variant: aid:solver=neumann")
      ->delimiter(',');
  compare->add_option("--tune", a.n_tuned, "trials of each with drawn options, besides the one as configured")
      ->check(CLI::Range(Index{0}, Index{100000}))
      ->capture_default_str();
  compare->add_option("--budget", a.budget, "of a trial: \"N visits\" of all rows of a level, \"N passes\" or \"N s\"")
      ->capture_default_str();
  compare->add_option("--every", a.every, "between reports, in the same unit; default: a 24th of the budget");
  compare->add_option("--until", a.until, "METRIC=VALUE: methods are sorted by their visits to it");
  compare->add_option("--select", a.select,
                      "metric that trials are chosen by; default: the first there is of holdout_solved, error, "
                      "upper_solved");
  compare->add_option("--seeds", a.n_seeds, "seeds run.seed, run.seed + 1, …, each with all trials")
      ->check(CLI::Range(Index{1}, Index{1000}))
      ->capture_default_str();
  compare->add_option("--jobs", a.n_jobs, "trials at a time, each on its share of the ranks; default: one on each rank")
      ->check(CLI::PositiveNumber);
  compare->add_option("--baselines", a.baselines, "models without a bi-level method, where labels are in doubt")
      ->capture_default_str();
  compare->add_option("--out", a.out, "directory; default: runs/compare-<the config's name>");
  add_settings(compare, line.arguments.settings);
}

}  // namespace

void add_verbs_of_runs(CommandLine& line) {
  add_quickstart(line);
  add_run_and_resume(line);
  add_clean_and_pick(line);
  add_compare(line);
}

}  // namespace meha
