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

/// What a run says of its rows; on rank 0.
struct Answers {
  std::vector<RowAnswer> rows;     // by p_correct, the smallest first
  std::vector<std::size_t> place;  // of a row of the file among these
  std::vector<std::string> class_names;
  std::string classes;  // a table for people

  [[nodiscard]] const std::string& name(Label label) const { return class_names[static_cast<std::size_t>(label)]; }
};

/// Gathers them on rank 0. Collective.
Answers answers_of(const Communicator& ranks, const JudgedRows& judged);

/// Writes suspects.csv and cleaned.csv (JSON lines: cleaned.jsonl) into the directory and says where they are and how far to
/// trust them. @param format  of the files    Errors: Error(Data), Error(Checkpoint).
void write_results(const CleanArguments& a, const Answers& answers, const std::string& format,
                   const std::string& directory);

/// Writes a.n_rows rows whose labels should be looked at to a.out. Errors: Error(Data), Error(Checkpoint).
void write_picked(const CleanArguments& a, const Answers& answers);

}  // namespace meha
