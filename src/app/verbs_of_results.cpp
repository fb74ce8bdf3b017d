// SPDX-License-Identifier: MIT
// Options of the verbs that look at runs, at what they will take, and at what there is.
#include "command_line.hpp"

namespace meha {
namespace {

void add_report(CommandLine& line) {
  CLI::App* report = line.add("report", "a run as one HTML page; several: side by side", report_verb);
  report->add_option("directories", line.arguments.report.directories, "run directories")->required();
  report->add_option("--out", line.arguments.out, "file; default: report.html in the first directory");
}

void add_inspect_and_plan(CommandLine& line) {
  CLI::App* inspect = line.add("inspect", "last metrics, stop reason, timings, config", inspect_verb);
  inspect->add_option("target", line.arguments.target, "run directory or state file")->required();
  inspect->add_flag("--json", line.arguments.json, "as JSON");
  CLI::App* runs = line.add("runs", "the runs below a folder, how far they are, and what to type next", runs_verb);
  runs->add_option("folder", line.arguments.target, "default: runs");
  runs->preparse_callback([&line](std::size_t) { line.arguments.target = "runs"; });
  CLI::App* plan = line.add("plan", "memory, traffic and time that a run will take", plan_verb);
  plan->add_option("config", line.arguments.target, "CONFIG.toml")->required();
  plan->add_option("--ranks", line.arguments.ranks, "of the run; default: as many as plan runs on")
      ->check(large_number());
  plan->add_option("--flops", line.arguments.flops, "rate of a rank's kernels [1e9 a second]; default: measured here")
      ->check(CLI::PositiveNumber);
  add_settings(plan, line.arguments.settings);
}

void add_verify_and_export(CommandLine& line) {
  CLI::App* verify = line.add("verify", "is every file of a run directory whole?", verify_verb);
  verify->add_option("directory", line.arguments.target, "run directory")->required();
  CLI::App* exporter = line.add("export", "results as CSV or HDF5", export_verb);
  exporter->add_option("directory", line.arguments.target, "run directory")->required();
  exporter->add_option("--what", line.arguments.what, "what to export")
      ->required()
      ->check(CLI::IsMember({"samples", "history", "model"}));
  exporter->add_option("--out", line.arguments.out, "file; default: in the run directory");
  exporter->add_option("--top", line.arguments.top, "samples: only so many, the most suspicious")
      ->check(CLI::PositiveNumber);
  exporter->add_option("--below", line.arguments.below, "samples: only those of a smaller weight")
      ->check(CLI::Range(0.0, 1.0));
}

void add_check_and_list(CommandLine& line) {
  CLI::App* check = line.add("check", "check a problem's gradients, or a run's solution", check_verb);
  auto* config =
      check->add_option("config", line.arguments.target, "CONFIG.toml: gradients against finite differences");
  check->add_option("--solution", line.arguments.solution, "run directory: certificate of its solution")
      ->excludes(config);
  check->add_option("--tolerance", line.arguments.tolerance, "of the proximal lower problem in the certificate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  check->add_option("--iterations", line.arguments.iterations, "at most, on the proximal lower problem")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_settings(check, line.arguments.settings);
  CLI::App* list = line.add("list", "what there is", list_verb);
  list->add_option("what", line.arguments.target, "problems, algorithms, formats, metrics or options; default: all")
      ->check(CLI::IsMember({"problems", "algorithms", "formats", "metrics", "options"}));
}

}  // namespace

void add_verbs_of_results(CommandLine& line) {
  add_report(line);
  add_inspect_and_plan(line);
  add_verify_and_export(line);
  add_check_and_list(line);
}

}  // namespace meha
