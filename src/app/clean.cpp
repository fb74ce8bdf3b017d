// SPDX-License-Identifier: MIT
// meha clean TABLE: which labels of a person's table are wrong, and the table without them; meha pick TABLE: the rows that
// an expert should look at. Both are a run of hyper-cleaning with a config of their own, and what it says of every row
// written beside the row.
#include <filesystem>
#include <iostream>
#include <sstream>

#include "meha/app/job.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/host.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/formats.hpp"
#include "meha/io/config.hpp"
#include "clean_files.hpp"
#include "clean_rounds.hpp"
#include "command_words.hpp"
#include "owned_files.hpp"
#include "report/page.hpp"
#include "report/report.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr const char* first_line = "# Written by meha clean. It may be edited, and run with meha run.";

/// The labels of a pair of IDX files: "train-labels-idx1-ubyte.gz" beside "train-images-idx3-ubyte.gz". Empty unless it is a
/// file in the folder of the features' own file: a link elsewhere could lead out of the folders that meha serve may read.
std::string labels_beside(const fs::path& features) {
  std::string name = features.filename().string();
  for (const auto& [from, to] : {std::pair("images", "labels"), {"idx3", "idx1"}}) {
    if (const std::size_t at = name.rfind(from); at != std::string::npos) {
      name.replace(at, std::string(from).size(), to);
    }
  }
  const fs::path labels = features.parent_path() / name;
  std::error_code error;
  const bool is_there = name != features.filename() && fs::is_regular_file(labels, error) &&
                        fs::canonical(labels, error).parent_path() == fs::canonical(features, error).parent_path();
  return is_there && !error ? labels.string() : std::string();
}

std::string config_of(const CleanArguments& a, const std::string& format, const RoundStart& start = {}) {
  std::ostringstream text;
  const bool has_labels = format_of(format).labels != LabelsFile::Never;
  const auto file = [&](const char* part, const std::string& features, std::string labels) {
    if (features.empty()) {
      return;
    }
    text << part << "_features = " << toml(fs::absolute(features).lexically_normal().string()) << '\n';
    labels = labels.empty() && format == "idx" ? labels_beside(features) : labels;
    if (!labels.empty() && has_labels) {
      text << part << "_labels = " << toml(fs::absolute(labels).lexically_normal().string()) << '\n';
    }
  };
  text << first_line << "\n[run]\nname = " << toml(fs::path(a.doubtful).stem().string())
       << "\niterations = 20\nreport_every = 10\n"
       << (start.state.empty() ? "" : "initial_state = " + toml(start.state) + "\n")
       << "\n[problem]\ntype = \"hyper_cleaning\"\nrefit = " << (a.test.empty() ? "false" : "true")
       << (start.model.empty() ? "" : "\nmodel = " + toml(start.model))
       << "\n\n[problem.data]\nformat = " << toml(format) << '\n';
  file("train", a.doubtful, a.labels);
  file("validation", a.trusted, a.trusted_labels);
  file("test", a.test, a.test_labels);
  if (!a.label_column.empty()) {
    text << "label_column = " << toml(a.label_column) << '\n';
  }
  if (!a.columns.empty()) {
    text << "columns = " << toml(column_kinds_of(a.columns)) << '\n';
  }
  if (a.header != "auto") {
    text << "header = " << a.header << '\n';
  }
  const auto names_method = [](const std::string& setting) { return setting.starts_with("algorithm.name"); };
  if (std::ranges::none_of(a.settings, names_method)) {  // others than the default may need all rows
    text << "\n[algorithm]\nbatch_lower = 1024\nbatch_upper = 1024\n";
  }
  return text.str();
}

/// Errors: Error(Checkpoint) where a file that would be written is one of those to be read, or a person's.
void expect_own_files(const CleanArguments& a, const std::string& format, const std::string& directory) {
  std::error_code ignored;
  auto names = result_names(a, format);
  names.emplace_back("clean.toml");
  OwnedFiles(directory).expect(names);
  expect_own_report(directory + "/" + report_name);
  if (!a.from.empty() && fs::equivalent(a.from, directory, ignored)) {
    throw Error(ExitCode::Config, "--from " + a.from + ": must not be --out, whose result is kept");
  }
  for (const char* name : {"config.toml", "columns.json", "metrics.jsonl", "run.log", "result.h5", "latest.h5"}) {
    names.emplace_back(name);
  }
  for (const std::string& input : {a.doubtful, a.labels, a.trusted, a.trusted_labels, a.test, a.test_labels}) {
    for (const std::string& name : names) {
      if (!input.empty() && fs::equivalent(input, fs::path(directory) / name, ignored)) {
        throw Error(ExitCode::Checkpoint, input + ": would be replaced by a result of that name: choose another --out");
      }
    }
  }
}

std::string write_config_to(const std::string& directory, const std::string& text) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    throw Error(ExitCode::Checkpoint, directory + ": cannot be created: " + error.message());
  }
  OwnedFiles(directory).write("clean.toml", [&](std::ostream& out) { out << text; });
  return directory + "/clean.toml";
}

std::string format_wanted(const CleanArguments& a) {
  std::string format = a.format.empty() ? guess_format(a.doubtful) : a.format;
  for (const std::string& other : {a.trusted, a.test}) {
    const std::string found = a.format.empty() && !other.empty() ? guess_format(other) : format;
    if (found != format) {
      std::string why = other;
      why.append(": is of format ").append(found).append(", but ").append(a.doubtful).append(" of ").append(format);
      throw Error(ExitCode::Data, why.append(": must be the same; meha data import converts"));
    }
  }
  for (const auto& [flag, is_given] : {std::pair("--label", !a.label_column.empty()),
                                       {"--column", !a.columns.empty()},
                                       {"--header", a.header != "auto"}}) {
    if (is_given && !format_of(format).has_label_column) {
      throw Error(ExitCode::Config,
                  std::string(flag) + ": belongs to tables as text; " + a.doubtful + " is of format " + format);
    }
  }
  return format;
}

/// Runs the config. @param see_rows  called where the job has finished    @return the code with which it ended
ExitCode run_config(const Communicator& ranks, const CleanArguments& a, const std::string& format,
                    const std::string& directory, const SeeRows& see_rows) {
  bool are_there = false;
  const SeeRows see = [&](const JudgedRows& judged) {
    see_rows(judged);
    are_there = true;
  };
  const ExitCode code = run_job(
      ranks,
      [&] {
        expect_own_files(a, format, directory);
        if (format == "csv" && !a.trusted.empty() && a.trusted_labels.empty()) {
          expect_looked_at(a);
        }
        std::string config = write_config_to(directory, config_of(a, format));
        if (!a.from.empty()) {
          const RoundStart start = start_of_round(a, options_of_config(config, a.settings));
          std::cout << in_flags(start.sentence, flags_of_clean) << '\n';
          config = write_config_to(directory, config_of(a, format, start));
        }
        JobPlan plan = plan_of_run(config, a.settings, directory);
        plan.has_same_rows = !a.from.empty();
        plan.brief = true;
        return plan;
      },
      see);
  if (code == ExitCode::Finished && !are_there) {  // it had finished before
    with_judged_rows(ranks, directory, see);
  }
  return code;
}

ExitCode clean(const CleanArguments& a, const Communicator& ranks) {
  const std::string directory = a.out.empty() ? "runs/" + fs::path(a.doubtful).stem().string() : a.out;
  std::string format;
  DoubtfulFiles files;
  ranks.root_or_none([&] {
    format = format_wanted(a);
    files = doubtful_files(a);
  });
  Answers answers;
  RowFacts rows;
  const ExitCode code = run_config(ranks, a, format, directory, [&](const JudgedRows& judged) {
    answers = answers_of(ranks, judged);
    rows = row_facts(ranks, judged);
  });
  if (code == ExitCode::Finished) {
    ranks.root_or_none([&] {
      write_results(a, answers, format, directory);
      note_doubtful_files(files, directory);
      std::cout << "report:   " << write_report(directory, std::move(rows)) << '\n';
    });
  }
  return code;
}

ExitCode pick(const CleanArguments& a, const Communicator& ranks) {
  std::string format;
  ranks.root_or_none([&] {
    format = format_wanted(a);
    if (format != "csv" || !a.labels.empty()) {
      throw Error(ExitCode::Config,
                  a.doubtful + ": meha pick needs a table as text, with its labels; this is of format " + format);
    }
    if (fs::exists(a.out)) {
      throw Error(ExitCode::Config, a.out + ": exists, and someone may have filled it in: choose another --out");
    }
  });
  Answers answers;
  const ExitCode code = run_config(ranks, a, format, a.out + ".run",
                                   [&](const JudgedRows& judged) { answers = answers_of(ranks, judged); });
  if (code == ExitCode::Finished) {
    ranks.root_or_none([&] { write_picked(a, answers); });
  }
  return code;
}

}  // namespace

ExitCode clean_verb(const Arguments& arguments, const Communicator& ranks) {
  return with_flags_in_errors(flags_of_clean, [&] { return clean(arguments.clean, ranks); });
}

ExitCode pick_verb(const Arguments& arguments, const Communicator& ranks) {
  return with_flags_in_errors(flags_of_clean, [&] { return pick(arguments.clean, ranks); });
}

}  // namespace meha
