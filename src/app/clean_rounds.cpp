// SPDX-License-Identifier: MIT
#include "clean_rounds.hpp"

#include <filesystem>

#include "meha/app/job.hpp"
#include "meha/data/header.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/classifier.hpp"

namespace meha {
namespace {

constexpr const char* rows_name = "(doubtful)";
constexpr const char* labels_name = "(labels)";

}  // namespace

DoubtfulFiles doubtful_files(const CleanArguments& a) {
  return {.rows = stamp_of(a.doubtful), .labels = a.labels.empty() ? FileStamp() : stamp_of(a.labels)};
}

void note_doubtful_files(const DoubtfulFiles& files, const std::string& directory) {
  OwnedFiles list(directory);
  list.note(rows_name, files.rows);
  list.note(labels_name, files.labels);
}

void expect_looked_at(const CleanArguments& a) {
  const Header header = header_of(a.trusted, a.header, true);
  const std::size_t given = find_column(header, "meha_given_label");
  const std::size_t label = label_column_of(header, a.label_column, a.trusted);
  RecordReader reader(a.trusted);
  TextRecord record;
  bool are_as_given = find_column(header, "meha_why") != no_column && given != no_column && reader.next(record);
  while (are_as_given && reader.next(record)) {
    are_as_given = record.values.size() != header.n_columns || record.values[label] == record.values[given];
  }
  if (are_as_given) {
    throw Error(ExitCode::Data,
                a.trusted +
                    ": holds suspects of an earlier run, and all labels are still as given (as in "
                    "meha_given_label): look at them and mend those that are wrong before they are trusted");
  }
}

RoundStart start_of_round(const CleanArguments& a, const Options& options) {
  if (!holds_finished_result(a.from)) {
    throw Error(ExitCode::Checkpoint, "--from " + a.from +
                                          ": must be the --out of an earlier meha clean that has finished (its "
                                          "result.h5 is missing, damaged, or of a run that was stopped)");
  }
  const std::string result = std::filesystem::absolute(RunDirectory(a.from).file("result.h5")).lexically_normal();
  const Options before = parse_config(read_record(result).texts.at("config"), result);
  std::string why;
  const OwnedFiles list(a.from);
  const DoubtfulFiles now = doubtful_files(a);
  if (now.rows == FileStamp() || list.stamp_of_noted(rows_name) != now.rows ||
      list.stamp_of_noted(labels_name) != now.labels) {
    why = a.doubtful + " is not the file that was cleaned there, or was changed since";
  }
  for (const OptionDifference& d : compare(before, options)) {
    if (why.empty() && !d.free_on_resume && d.name != "run.initial_state") {
      why = d.name + " was " + d.before + " there and is " + d.after + " here";
    }
  }
  if (!why.empty()) {
    return {.sentence = "beginning anew, not from " + a.from + ": " + why};
  }
  return {.state = result,
          .model = before.problem.of<ModelOptions>().model,
          .sentence = "going on from " + a.from + ", with the x and y it has ended with"};
}

}  // namespace meha
