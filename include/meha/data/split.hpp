// SPDX-License-Identifier: MIT
// From files to sets of rows (train, validation, held out, test), with label noise on the first.
#pragma once

#include "meha/core/hash.hpp"
#include "meha/core/level.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/formats.hpp"
#include "meha/data/selection.hpp"

namespace meha {

struct Split {
  PerLevel<Selection> rows;              // Lower: not empty; the others may be
  std::vector<Label> true_labels;        // of the training rows; empty when unknown
  std::vector<std::uint8_t> is_clean;    // 1 where the given label counts as right; empty when unknown
  std::vector<std::string> class_names;  // one per class; empty for Targets::Numbers
  std::vector<std::string> notes;        // what was read and what was made of it, for people

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
/// Errors: Error(Data) when a file is missing, damaged or too short, files do not fit together, or labels cannot be
/// classes to tell apart; Error(Config) for label noise on numbers or on classes without rows.
/// @param features  InFile: where the format allows it, they are not read yet, and some errors are yet to come
Split load_split(const DataOptions& data, const NoiseOptions& noise, Index seed, Targets targets = Targets::Classes,
                 Features features = Features::InMemory);

/// Hash of all features and labels of a split, in order. Features may be added in any order. For files with a stored
/// fingerprint, that fingerprint and the selected row numbers are hashed instead of the features.
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

/// Visits the features of every row of all levels, as for_each_row() of their selections.
void for_each_row(const Split& split,
                  const std::function<void(Level level, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band);

}  // namespace meha
