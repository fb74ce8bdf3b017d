// SPDX-License-Identifier: MIT
// From files to sets of rows (train, validation, held out, test), with label noise on the first.
#pragma once

#include <memory>

#include "meha/core/hash.hpp"
#include "meha/core/level.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/formats.hpp"

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
  PerLevel<Selection> rows;              // Lower: not empty; the others may be
  std::vector<Label> true_labels;        // of the training rows; empty when unknown
  std::vector<std::uint8_t> is_clean;    // 1 where the given label counts as right; empty when unknown
  std::vector<std::string> class_names;  // one per class; empty for Targets::Numbers

  [[nodiscard]] Index n_classes() const { return static_cast<Index>(class_names.size()); }
};

/// The files that a config names.
struct FilesOfRun {
  DataFiles given;
  PerLevel<Index> at;  // Lower, Upper and Test: place among the files; < 0: none
};

/// Errors: Error(Config) when the format is unknown, no training file is given, or a file of labels that the format needs
/// is missing, or given where labels stand with the features.
FilesOfRun files_of_run(const DataOptions& data, Targets targets);

/// Errors: Error(Config) when neither a file of validation rows nor a number of them is given.
void require_validation(const DataOptions& data);

/// Reads the files, splits, corrupts. Meant for one rank.
/// Errors: Error(Data) when a file is missing, damaged or too short, or files do not fit together; Error(Config) for label
/// noise on numbers.
/// @param features  InFile: where the format allows it, they are not read yet, and some errors are yet to come
Split load_split(const DataOptions& data, const NoiseOptions& noise, Index seed, Targets targets = Targets::Classes,
                 Features features = Features::InMemory);

/// Hash of all features and labels of a split, in order. Features may be added in any order. Of files that have a
/// fingerprint their own stands for the features, along with the rows' numbers.
class Fingerprint {
 public:
  explicit Fingerprint(const Split& split);
  /// @param place  of the row in split.rows[level]
  void add(Level level, Index place, std::span<const std::byte> features) {
    if (!digests_[level].empty()) {
      digests_[level][static_cast<std::size_t>(place)] = hash_of(features);
    }
  }
  [[nodiscard]] std::string hex() const;

 private:
  const Split& split_;
  PerLevel<std::vector<std::uint64_t>> digests_;  // of the rows; empty: the file's own fingerprint stands for them
};

std::string fingerprint_of(const Split& split);

/// Visits the features of every row of all selections, each file once from its begin to its end.
/// @param see  called with which selection, the row's place in it, and its features
/// @param after_band  called after each band of rows, before its memory is used again
void for_each_row(std::span<const Selection* const> selections,
                  const std::function<void(std::size_t which, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band);
/// The same for the rows of all levels.
void for_each_row(const Split& split,
                  const std::function<void(Level level, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band);

}  // namespace meha
