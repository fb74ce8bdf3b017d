// SPDX-License-Identifier: MIT
// All that a report shows of one run. What is missing is said in `notes`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/core/options.hpp"
#include "meha/io/state_file.hpp"
#include "../overview.hpp"
#include "originals.hpp"
#include "rows.hpp"

namespace meha {

struct RunFacts {
  std::string directory;
  Options options;
  Overview overview;
  std::string state_file;    // that results describe; empty: there is none yet
  Record record;             // of that file, without its history
  bool is_of_clean = false;  // of meha clean: people know its options as flags
  bool has_labels = false;   // in doubt
  std::string trained_on;    // the model to use; empty: there is none yet
  Index n_classes = 0;
  Vec transition;                  // (n_classes²), share of true × given; empty where it is not known
  std::optional<RowFacts> rows;    // where the data could be read
  Originals originals;             // of rows->doubtful
  std::vector<std::string> notes;  // what is not there, and why
};

/// Reads all but the rows; on rank 0. Errors: as overview_of_directory().
RunFacts facts_of(const std::string& directory);
/// Whether rows are shown as they stand in their file, which is read again for it.
enum class ShowOriginals : int { No, Yes };
/// Adds the rows; on rank 0.
void add_rows(RunFacts& facts, RowFacts rows, ShowOriginals shows);

/// Returns the name of a class; its number where names are not known.
std::string class_name(const RunFacts& facts, Index label);

/// A number that is looked at first.
struct Figure {
  std::string label, value, more;
};
std::vector<Figure> figures_of(const RunFacts& facts);
/// What the run says of itself and of how far it is to be trusted, the most important first: the texts that clean and run
/// print.
std::vector<std::string> sentences_of(const RunFacts& facts);
/// Name and value.
std::vector<std::pair<std::string, std::string>> provenance_of(const RunFacts& facts);
/// What to type to have the same again.
std::vector<std::string> commands_of(const RunFacts& facts);

}  // namespace meha
