// SPDX-License-Identifier: MIT
// What meha clean and meha pick write: a person's rows with what a run says of them.
#pragma once

#include <string>
#include <vector>

#include "meha/app/answers.hpp"
#include "meha/app/verbs.hpp"
#include "meha/comm/communicator.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// What is said of one row of the training file, at its place in the file.
struct RowAnswer {
  Index source_row;
  Real p_correct, p_suggested;
  Label given, suggested;
};

/// Whether the label looks wrong.
inline bool is_suspect(const RowAnswer& row) {
  return row.p_correct < 0.5;
}

/// What a run says of its rows; on rank 0.
struct Answers {
  std::vector<RowAnswer> rows;     // by p_correct, the smallest first
  std::vector<std::size_t> place;  // of a row of the file among these
  std::vector<std::string> class_names;
  SampleCounts counts;
  Real trusted_value = 0;  // as in LabelNoise

  [[nodiscard]] const std::string& name(Label label) const { return class_names[static_cast<std::size_t>(label)]; }
};

/// Gathers them on rank 0. Collective.
Answers answers_of(const Communicator& ranks, const JudgedRows& judged);

/// Returns why p_correct is not to be believed; where nothing speaks against it, how many of the suspects are wrong, and how
/// many wrong rows are no suspects. @param trusted_value  as in LabelNoise
std::string verdict(const SampleCounts& counts, const std::vector<std::string>& class_names, Real trusted_value);
/// Returns what the numbers rest on. @param trusted  file of trusted rows; empty: there is none
std::string source_of(const std::string& trusted);

/// Returns the names of the files that write_results() makes: suspects.csv and cleaned.csv, with the ending that the
/// table's kind has.
std::vector<std::string> result_names(const CleanArguments& a, const std::string& format);

/// Writes the rows that look wrong and the cleaned table into the directory and says where they are and how far to trust
/// them. @param answers  its classes get the names that most rows of the table have    @param format  of the files
/// Errors: Error(Data), Error(Checkpoint).
void write_results(const CleanArguments& a, Answers& answers, const std::string& format, const std::string& directory);

/// Writes a.n_rows rows whose labels should be looked at to a.out. Errors: Error(Data), Error(Checkpoint).
void write_picked(const CleanArguments& a, Answers& answers);

}  // namespace meha
