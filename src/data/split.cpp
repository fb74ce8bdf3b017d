// SPDX-License-Identifier: MIT
#include "meha/data/split.hpp"

#include <algorithm>
#include <numeric>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"
#include "meha/data/class_names.hpp"
#include "split_checks.hpp"
#include "meha/data/instance_noise.hpp"
#include "meha/data/noise.hpp"
#include "meha/data/row_source.hpp"
#include "meha/data/standardise.hpp"

namespace meha {
namespace {

enum class Part : Index { Train, Validation, Test };

/// One table for each file that is given.
struct Files {
  std::shared_ptr<const Table> train, validation, test;
};

Files read_files(const DataOptions& data, Targets targets, Features where) {
  const FilesOfRun files = files_of_run(data, targets);
  auto tables = read_tables(format_of(data.format), files.given, where, data.n_rows);
  unite_classes(tables, data.class_names);
  const auto table_at = [&](Level level) -> std::shared_ptr<const Table> {
    const Index at = files.at[level];
    return at < 0 ? nullptr : std::make_shared<Table>(std::move(tables[static_cast<std::size_t>(at)]));
  };
  return {.train = table_at(Level::Lower), .validation = table_at(Level::Upper), .test = table_at(Level::Test)};
}

/// How many rows of a file there are to choose from.
Index n_rows_of(const Table& table, const DataOptions& data) {
  return data.n_rows > 0 ? std::min(data.n_rows, table.n_rows) : table.n_rows;
}

std::vector<Index> row_order(const Table& table, const DataOptions& data, Index seed, Part part) {
  std::vector<Index> order(static_cast<std::size_t>(n_rows_of(table, data)));
  std::iota(order.begin(), order.end(), Index{0});
  if (data.shuffle) {
    random_shuffle(order, seed, Stream::Shuffle, static_cast<Index>(part));
  }
  return order;
}

/// Takes `n` rows (0: all that are left) from `order`, starting at `first`.
Selection take(const std::shared_ptr<const Table>& table, const std::vector<Index>& order, Index first, Index n,
               const char* key) {
  const Index left = static_cast<Index>(order.size()) - first;
  if (n > left) {
    throw Error(ExitCode::Data, std::string("problem.data.") + key + " = " + std::to_string(n) + ": " + table->name +
                                    " has only " + std::to_string(left) + " rows for it");
  }
  Selection selection{.table = table, .rows = {}, .labels = {}};
  const auto rows = slice(std::span(order), {first, first + (n == 0 ? left : n)});
  selection.rows.assign(rows.begin(), rows.end());
  for (const Index row : rows) {
    const auto at = static_cast<std::size_t>(row);
    if (table->numbers.empty()) {
      selection.labels.push_back(table->labels[at]);
    } else {
      selection.numbers.push_back(table->numbers[at]);
    }
  }
  return selection;
}

/// Takes the last `n` of the validation rows away from them.
Selection take_last(Selection& validation, Index n) {
  if (n >= validation.n_rows()) {
    throw Error(ExitCode::Data, "problem.data.n_holdout = " + std::to_string(n) + ": must leave some of the " +
                                    std::to_string(validation.n_rows()) + " validation rows to validate with");
  }
  Selection last{.table = validation.table, .rows = {}, .labels = {}};
  const auto move_last = [&](auto& from, auto& to) {
    if (!from.empty()) {
      to.assign(from.end() - n, from.end());
      from.resize(from.size() - static_cast<std::size_t>(n));
    }
  };
  move_last(validation.rows, last.rows);
  move_last(validation.labels, last.labels);
  move_last(validation.numbers, last.numbers);
  return last;
}

void split_rows(const DataOptions& data, Index seed, Targets targets, Features where, Split& split) {
  const Files files = read_files(data, targets, where);
  const auto order = row_order(*files.train, data, seed, Part::Train);
  const Index n_validation = files.validation ? 0 : data.n_validation;  // split off the training file
  const Index n_test = files.test ? 0 : data.n_test;
  const Index n_left = std::max<Index>(1, n_rows_of(*files.train, data) - n_validation - n_test);
  const Index n_train = data.n_train > 0 ? data.n_train : n_left;
  split.rows[Level::Lower] = take(files.train, order, 0, n_train, "n_train");
  split.rows[Level::Upper] = files.validation
                                 ? take(files.validation, row_order(*files.validation, data, seed, Part::Validation), 0,
                                        data.n_validation, "n_validation")
                             : n_validation > 0 ? take(files.train, order, n_train, n_validation, "n_validation")
                                                : Selection();
  if (data.n_holdout > 0) {
    split.rows[Level::Holdout] = take_last(split.rows[Level::Upper], data.n_holdout);
  }
  if (files.test) {
    split.rows[Level::Test] =
        take(files.test, row_order(*files.test, data, seed, Part::Test), 0, data.n_test, "n_test");
  } else if (n_test > 0) {
    split.rows[Level::Test] = take(files.train, order, n_train + n_validation, n_test, "n_test");
  }
}

/// Throws where two files name what stands at the same place differently.
/// @param what  "feature", "class"
std::vector<std::string> names_of_classes(const DataOptions& data, const Split& split) {
  Label largest = 0;
  const Table* holder = nullptr;
  for (const Selection& selection : split.rows) {
    for (const Label label : selection.labels) {
      if (label > largest || holder == nullptr) {
        largest = label;
        holder = selection.table.get();
      }
    }
  }
  for (const Label label : split.true_labels) {
    largest = std::max(largest, label);
  }
  std::vector<std::string> names =
      data.class_names.empty() ? split.rows[Level::Lower].table->class_names : data.class_names;
  if (!names.empty() && static_cast<std::size_t>(largest) >= names.size()) {
    throw Error(ExitCode::Data, holder->name + ": a label = " + std::to_string(largest) + ", but there are only " +
                                    std::to_string(names.size()) + " class names (classes count from 0)");
  }
  while (names.empty() || static_cast<std::size_t>(largest) >= names.size()) {
    names.push_back(std::to_string(names.size()));
  }
  return names;
}

}  // namespace

FilesOfRun files_of_run(const DataOptions& data, Targets targets) {
  if (data.train_features.empty()) {
    throw Error(ExitCode::Config, "problem.data.train_features: must be given");
  }
  const FormatInfo& format = format_of(data.format);
  FilesOfRun files{.given = {.files = {},
                             .label_column = data.label_column,
                             .sparse = data.sparse,
                             .targets = targets,
                             .header = data.header,
                             .columns = data.columns,
                             .class_names = data.class_names,
                             .keeps_scales = data.standardise},
                   .at = {}};
  const auto add = [&](Level level, const Path& features, const Path& labels, const char* part) {
    const std::string key = std::string("problem.data.") + part;
    if (format.labels == LabelsFile::Always && !features.empty() && labels.empty()) {
      throw Error(ExitCode::Config, key + "_labels: must be given with " + part + "_features");
    }
    if (format.labels == LabelsFile::Never && !labels.empty()) {
      throw Error(ExitCode::Config, key + "_labels = " + toml(labels) + ": must not be given with format " +
                                        format.name + ", whose labels stand beside the features");
    }
    files.at[level] = features.empty() ? -1 : std::ssize(files.given.files);
    if (!features.empty()) {
      files.given.files.push_back({.features = features.value, .labels = labels.value});
    }
  };
  add(Level::Lower, data.train_features, data.train_labels, "train");
  add(Level::Upper, data.validation_features, data.validation_labels, "validation");
  add(Level::Test, data.test_features, data.test_labels, "test");
  return files;
}

void require_validation(const DataOptions& data) {
  if (data.validation_features.empty() && data.n_validation == 0) {
    throw Error(ExitCode::Config,
                "problem.data.n_validation = 0: must be > 0 when the validation rows are split off the training file "
                "(problem.data.validation_features is not given)");
  }
}

Split load_split(const DataOptions& data, const NoiseOptions& noise, Index seed, Targets targets, Features features) {
  if (targets == Targets::Numbers && noise.kind != "none") {
    throw Error(ExitCode::Config,
                "problem.noise.kind = " + toml(noise.kind) +
                    ": must be \"none\" with problem.loss = \"squared\": the noise is one of classes");
  }
  if (noise.kind == "none" && noise.rate > 0) {
    throw Error(ExitCode::Config,
                "problem.noise.rate = " + toml(noise.rate) +
                    ": needs problem.noise.kind (uniform, pair, …); without label noise leave it out");
  }
  Split split;
  split_rows(data, seed, targets, data.standardise ? Features::InMemory : features, split);
  check_fit(split);
  if (data.standardise) {
    standardise(split);
  }
  if (targets == Targets::Numbers) {
    add_notes(split);
    return split;
  }
  const Table& train = *split.rows[Level::Lower].table;
  if (!train.truth.empty()) {
    for (std::size_t i = 0; i < split.rows[Level::Lower].rows.size(); ++i) {
      split.true_labels.push_back(train.truth[static_cast<std::size_t>(split.rows[Level::Lower].rows[i])]);
      split.is_clean.push_back(split.true_labels[i] == split.rows[Level::Lower].labels[i] ? 1 : 0);
    }
  }
  split.class_names = names_of_classes(data, split);
  check_classes(split, !data.class_names.empty() || !train.class_names.empty());
  if (data.class_names.empty()) {
    check_same_classes(split);
  }
  add_notes(split);
  if (noise.kind != "none") {
    check_noise(split, noise);
    if (split.true_labels.empty()) {
      split.true_labels = split.rows[Level::Lower].labels;
    }
    auto untouched = noise.kind == "instance"
                         ? corrupt_instances(split.rows[Level::Lower], split.n_classes(), noise, seed)
                         : corrupt_labels(split.rows[Level::Lower].labels, split.n_classes(), noise, seed);
    for (std::size_t i = 0; i < split.is_clean.size(); ++i) {
      untouched[i] = untouched[i] != 0 && split.is_clean[i] != 0 ? 1 : 0;
    }
    split.is_clean = std::move(untouched);
  }
  return split;
}

Fingerprint::Fingerprint(const Split& split) : split_(split) {
  for (const Level level : all_levels) {
    const Selection& selection = split.rows[level];
    if (selection.table && selection.table->fingerprint.empty()) {
      digests_[level].resize(selection.rows.size());
    }
  }
}

std::string Fingerprint::hex() const {
  Hasher hasher;
  for (const Level level : {Level::Lower, Level::Upper, Level::Holdout, Level::Test}) {  // as existing files have it
    const Selection& selection = split_.rows[level];
    if (digests_[level].empty() && selection.table) {
      hasher.add_values(std::span<const char>(selection.table->fingerprint));
      hasher.add_values(std::span<const Index>(selection.rows));
    }
    hasher.add_values(std::span<const std::uint64_t>(digests_[level]));
    hasher.add_values(std::span<const Label>(selection.labels));
    hasher.add_values(std::span<const Real>(selection.numbers));
  }
  return hasher.hex();
}

std::string fingerprint_of(const Split& split) {
  Fingerprint fingerprint(split);
  for_each_row(
      split,
      [&](Level level, Index place, std::span<const std::byte> features) { fingerprint.add(level, place, features); },
      [] {});
  return fingerprint.hex();
}

void for_each_row(const Split& split,
                  const std::function<void(Level level, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band) {
  PerLevel<const Selection*> selections;
  for (const Level level : all_levels) {
    selections[level] = &split.rows[level];
  }
  for_each_row(
      selections.values,
      [&](std::size_t which, Index place, auto features) { see(static_cast<Level>(which), place, features); },
      after_band);
}

}  // namespace meha
