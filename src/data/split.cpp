// SPDX-License-Identifier: MIT
#include "meha/data/split.hpp"

#include <algorithm>
#include <numeric>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/class_names.hpp"
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
void check_same_names(const char* what, const Table& a, const std::vector<std::string>& of_a, const Table& b,
                      const std::vector<std::string>& of_b) {
  const auto [in_a, in_b] = std::ranges::mismatch(of_a, of_b);
  if (in_a == of_a.end() || in_b == of_b.end()) {  // none, or the first of the other's
    return;
  }
  const bool is_elsewhere = std::ranges::find(of_a, *in_b) != of_a.end();
  throw Error(ExitCode::Data, b.name + ": " + what + " " + std::to_string(in_b - of_b.begin()) + " is " + toml(*in_b) +
                                  ", but " + toml(*in_a) + " in " + a.name +
                                  ": must be the same in all files of a run" +
                                  (is_elsewhere ? "; they stand in another order" : ""));
}

void check_fit(const Split& split) {
  const Table& train = *split.rows[Level::Lower].table;
  for (const Selection& rows : split.rows) {
    const auto& other = rows.table;
    if (other && (other->n_features != train.n_features || other->element != train.element)) {
      throw Error(ExitCode::Data, other->name + ": " + std::to_string(other->n_features) + " features of " +
                                      name_of(other->element) + ", but " + train.name + " has " +
                                      std::to_string(train.n_features) + " of " + name_of(train.element));
    }
    if (other && other != split.rows[Level::Lower].table) {
      check_same_names("class", train, train.class_names, *other, other->class_names);
    }
  }
}

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

std::vector<Index> rows_of_classes(const Selection& rows, Index n_classes) {
  std::vector<Index> n_rows(static_cast<std::size_t>(n_classes), 0);
  for (const Label label : rows.labels) {
    ++n_rows[static_cast<std::size_t>(label)];
  }
  return n_rows;
}

/// Labels that count from 0 with large gaps are numbers of something else than classes.
void check_classes(const Split& split, bool are_named) {
  constexpr Index gaps_allowed = 10;
  constexpr Index few = 100;
  const Selection& train = split.rows[Level::Lower];
  const auto n_rows = rows_of_classes(train, split.n_classes());
  const Index n_there = std::ssize(n_rows) - std::ranges::count(n_rows, 0);
  if (n_there == 1) {
    throw Error(ExitCode::Data, train.table->name + ": all " + std::to_string(train.n_rows()) +
                                    " training rows have the label " +
                                    toml(split.class_names[static_cast<std::size_t>(train.labels[0])]) +
                                    ": with one class there is nothing to learn; are they the labels?");
  }
  if (!are_named && split.n_classes() > gaps_allowed * n_there + few) {
    throw Error(ExitCode::Data, train.table->name + ": labels up to " + std::to_string(split.n_classes() - 1) +
                                    ", but only " + std::to_string(n_there) +
                                    " of them occur: classes count from 0 without gaps; number them anew, or give "
                                    "problem.data.class_names");
  }
}

std::vector<bool> classes_in(const Table& table, Index n_classes) {
  std::vector<bool> are_there(static_cast<std::size_t>(n_classes), false);
  for (const Label label : table.labels) {
    if (label < n_classes) {
      are_there[static_cast<std::size_t>(label)] = true;
    }
  }
  return are_there;
}

/// A class of another file that the training file does not have is a label that is written otherwise there.
void check_same_classes(const Split& split) {
  const Table& train = *split.rows[Level::Lower].table;
  const auto known = classes_in(train, split.n_classes());
  for (const Selection& rows : split.rows) {
    if (!rows.table || rows.table.get() == &train) {
      continue;
    }
    const auto used = classes_in(*rows.table, split.n_classes());
    for (std::size_t k = 0; k < used.size(); ++k) {
      if (used[k] && !known[k]) {
        throw Error(ExitCode::Data,
                    rows.table->name + ": class " + toml(split.class_names[k]) + " is that of none of the rows of " +
                        train.name +
                        ": are labels written otherwise there? Where they are right, name all classes in "
                        "problem.data.class_names");
      }
    }
  }
}

/// Noise draws among all classes, those without rows too.
void check_noise(const Split& split, const NoiseOptions& noise) {
  const auto n_rows = rows_of_classes(split.rows[Level::Lower], split.n_classes());
  const auto none = std::ranges::find(n_rows, 0);
  if (none != n_rows.end()) {
    throw Error(ExitCode::Config, "problem.noise.kind = " + toml(noise.kind) + ": class " +
                                      toml(split.class_names[static_cast<std::size_t>(none - n_rows.begin())]) +
                                      " has no training rows, and noise would give rows a class that does not exist");
  }
}

/// "5000 rows, 784 features; T-shirt/top 480, Trouser 512, …".
std::string sentence_of(Level level, const Selection& rows, const Split& split) {
  constexpr std::size_t n_shown = 12;
  std::string text = std::string(name(level)) + " rows: " + std::to_string(rows.n_rows()) + " of " +
                     printable(rows.table->name) + ", " + std::to_string(rows.table->n_features) + " features";
  if (split.class_names.empty()) {
    return text;
  }
  const auto n_rows = rows_of_classes(rows, split.n_classes());
  text += ", " + std::to_string(split.n_classes()) + " classes: ";
  std::string none;
  for (std::size_t k = 0; k < n_rows.size(); ++k) {
    if (k < n_shown) {
      text += (k > 0 ? ", " : "") + printable(split.class_names[k]) + " " + std::to_string(n_rows[k]);
    }
    if (n_rows[k] == 0 && level != Level::Test) {
      none += (none.empty() ? "" : ", ") + printable(split.class_names[k]);
    }
  }
  text += n_rows.size() > n_shown ? ", …" : "";
  return none.empty() ? text : text + "\nwarning: no " + std::string(name(level)) + " row is of class " + none;
}

/// What was read, and what was made of each file.
void add_notes(Split& split) {
  std::vector<const Table*> told;
  for (const Level level : all_levels) {
    const Selection& rows = split.rows[level];
    if (rows.n_rows() == 0) {
      continue;
    }
    split.notes.push_back(sentence_of(level, rows, split));
    if (std::ranges::find(told, rows.table.get()) == told.end()) {
      for (const std::string& note : rows.table->notes) {
        split.notes.push_back("  " + printable(note));
      }
      if (const std::string remark = remark_on_bytes(*rows.table); !remark.empty()) {
        split.notes.push_back("warning: " + printable(remark));
      }
      told.push_back(rows.table.get());
    }
  }
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
