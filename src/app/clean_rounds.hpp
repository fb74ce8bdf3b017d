// SPDX-License-Identifier: MIT
// Rounds of meha clean: the rows that a round has found are looked at and become trusted, and the next round goes on from
// the state in which the round before has ended (--from).
#pragma once

#include <string>

#include "meha/app/verbs.hpp"
#include "meha/core/options.hpp"
#include "owned_files.hpp"

namespace meha {

/// Errors: Error(Data) where the trusted rows are a table of suspects in which no label was changed.
void expect_looked_at(const CleanArguments& a);

/// Where a round begins.
struct RoundStart {
  std::string state = {};     // a file of the round before; empty: anew
  std::string model = {};     // that the round before has chosen
  std::string sentence = {};  // for people
};

/// Which files of doubtful rows a round has read, as they were.
struct DoubtfulFiles {
  FileStamp rows, labels;
};
DoubtfulFiles doubtful_files(const CleanArguments& a);

/// Notes in the directory of a finished round what it has read. Errors: Error(Checkpoint).
void note_doubtful_files(const DoubtfulFiles& files, const std::string& directory);

/// Finds out whether a round with these options can go on from the directory a.from: only where the doubtful rows are the
/// same file, unchanged, and options agree that say what x and y mean. Says why where it cannot.
/// Errors: Error(Checkpoint) where the directory holds no finished run.
RoundStart start_of_round(const CleanArguments& a, const Options& options);

}  // namespace meha
