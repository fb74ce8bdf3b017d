// SPDX-License-Identifier: MIT
// From files to sets of rows (train, validation, held out, test), with label noise on the first.
#pragma once

#include <array>
#include <memory>

#include "meha/core/options.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// Some rows of a table, in an order of their own.
struct Selection {
  std::shared_ptr<const Table> table;
  std::vector<Index> rows;         // row numbers in the table
  std::vector<Label> labels;       // as given to the learner; empty for Targets::Numbers
  std::vector<Real> numbers = {};  // empty for Targets::Classes
  [[nodiscard]] Index n_rows() const { return static_cast<Index>(rows.size()); }
};

struct Split {
  Selection train, validation;
  Selection test, holdout;               // may be empty
  std::vector<Label> true_labels;        // of the training rows; empty when unknown
  std::vector<std::uint8_t> is_clean;    // 1 where the given label counts as right; empty when unknown
  std::vector<std::string> class_names;  // one per class; empty for Targets::Numbers
  std::string fingerprint;               // hash of all features and labels, in order

  [[nodiscard]] std::array<Selection*, 4> parts() { return {&train, &validation, &holdout, &test}; }
  [[nodiscard]] std::array<const Selection*, 4> parts() const { return {&train, &validation, &holdout, &test}; }
  [[nodiscard]] Index n_classes() const { return static_cast<Index>(class_names.size()); }
};

/// Reads the files, splits, corrupts. Meant for one rank.
/// Errors: Error(Data) when a file is missing, damaged or too short, or files do not fit together; Error(Config) for label
/// noise on numbers.
Split load_split(const DataOptions& data, const NoiseOptions& noise, Index seed, Targets targets = Targets::Classes);

}  // namespace meha
