// SPDX-License-Identifier: MIT
#include "meha/data/csv.hpp"

#include <algorithm>
#include <ranges>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/class_labels.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/faults.hpp"
#include "meha/data/header.hpp"
#include "meha/data/records.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index n_lines_shown = 3;

/// The rows of a file, below its header.
class TextRows {
 public:
  TextRows(const std::string& path, const Header& header) : reader_(path), header_(header) {
    if (header.is_line) {
      (void)reader_.next(record_);
    }
  }

  /// Reads the next row. @return false when there is none
  bool next(Faults& faults) {
    while (reader_.next(record_)) {
      if ((++n_seen_ & 0xfffU) == 0) {
        activity().beat();
      }
      if (record_.values.size() == header_.n_columns) {
        return true;
      }
      faults.add(place() + std::to_string(record_.values.size()) + " columns, but the lines before have " +
                 std::to_string(header_.n_columns) + ": the line is damaged or cut off");
    }
    return false;
  }
  [[nodiscard]] std::string_view value(std::size_t column) const { return record_.values[column]; }
  [[nodiscard]] Index line() const { return record_.line; }
  [[nodiscard]] std::string place() const { return reader_.file().path() + ":" + std::to_string(record_.line) + ": "; }
  [[nodiscard]] const GzipReader& file() const { return reader_.file(); }

 private:
  RecordReader reader_;
  const Header& header_;
  TextRecord record_;
  Index n_seen_ = 0;
};

/// Returns "column 3 ("age"): ".
std::string name_of_column(const Header& header, std::size_t column) {
  return "column " + std::to_string(column) +
         (column < header.names.size() ? " (" + quoted(header.names[column]) + ")" : "") + ": ";
}

/// One file, or one of features and one of labels.
struct TextFile {
  DataFile paths;
  Header header;             // of the features
  Header label_header = {};  // of the labels where they have a file of their own
  std::size_t label = no_column;
  std::vector<std::size_t> place_of = {};  // of the learnt columns, in this file
  std::vector<Label> class_of = {};        // of class numbers of this file; empty: as they are
  std::vector<std::string> notes = {};     // for people

  [[nodiscard]] bool has_labels_file() const { return !paths.labels.empty(); }
  [[nodiscard]] const Header& header_of_labels() const { return has_labels_file() ? label_header : header; }
};

/// What was learnt from the first file, and of the labels of all.
struct Learnt {
  TableColumns columns;
  ClassLabels classes;
  Targets targets = Targets::Classes;
};

TextFile open_text(const DataFile& paths, const DataFiles& all) {
  TextFile file{.paths = paths, .header = header_of(paths.features, all.header, paths.labels.empty())};
  if (file.has_labels_file()) {
    file.label_header = header_of(paths.labels, all.header, false);
  } else if (file.header.n_columns < 2) {
    throw Error(ExitCode::Data, paths.features +
                                    ":1: has one column: a table needs features and labels, separated by commas, or "
                                    "problem.data.train_labels (…) must name the file of the labels");
  }
  file.label = label_column_of(file.header_of_labels(), all.label_column,
                               file.has_labels_file() ? paths.labels : paths.features);
  return file;
}

/// The features' columns, as places in the file.
std::vector<std::size_t> feature_places(const TextFile& file) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < file.header.n_columns; ++i) {
    if (file.has_labels_file() || i != file.label) {
      places.push_back(i);
    }
  }
  return places;
}

std::string name_in(const Header& header, std::size_t place) {
  return place < header.names.size() ? header.names[place] : std::string();
}

/// The kinds that the config gives. Errors: Error(Config) for a column that is not there.
std::vector<ColumnKind> kinds_asked(const TextFile& file, const std::vector<std::size_t>& places, const Words& asked) {
  std::vector<ColumnKind> kinds(places.size(), ColumnKind::Auto);
  for (const auto& [name, kind] : asked) {
    const auto at = std::ranges::find(places, find_column(file.header, name));
    if (at == places.end()) {
      throw Error(ExitCode::Config, "problem.data.columns, " + toml(name) + ": " + file.paths.features +
                                        " has no such column of features; columns have names from the header, or "
                                        "numbers from 0");
    }
    kinds[static_cast<std::size_t>(at - places.begin())] = kind_of_column(kind);
  }
  return kinds;
}

bool needs_values(ColumnKind asked, const ColumnFacts& facts) {
  return asked == ColumnKind::Category || (asked == ColumnKind::Auto && facts.n_others > 0);
}

/// Sees all values of the training file; once more where only the last rows showed that a column is no number.
std::vector<ColumnFacts> facts_of(const TextFile& file, const std::vector<std::size_t>& places,
                                  const std::vector<ColumnKind>& asked, Faults& faults) {
  std::vector<ColumnFacts> facts;
  for (std::size_t i = 0; i < places.size(); ++i) {
    facts.emplace_back(asked[i] == ColumnKind::Category);
  }
  for (bool again = true; again;) {
    again = false;
    faults = Faults(file.paths.features);
    std::vector<ColumnFacts> seen;
    for (const ColumnFacts& column : facts) {
      seen.emplace_back(column.counts_values());
    }
    TextRows rows(file.paths.features, file.header);
    Index n_rows = 0;
    while (!again && rows.next(faults)) {
      constexpr Index first_rows = 1000;
      for (std::size_t i = 0; i < places.size(); ++i) {
        seen[i].add(rows.value(places[i]), rows.line());
      }
      if (++n_rows == first_rows) {
        again = std::ranges::any_of(std::views::iota(std::size_t{0}, places.size()), [&](std::size_t i) {
          return needs_values(asked[i], seen[i]) && !seen[i].counts_values();
        });
      }
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      const bool needs = needs_values(asked[i], seen[i]);
      again = again || (needs && !seen[i].counts_values());
      if (needs && !seen[i].counts_values()) {
        seen[i] = ColumnFacts(true);
      }
    }
    facts = std::move(seen);
  }
  return facts;
}

/// Adds the labels of a file. @param may_be_missing  rows without one are then left out
void see_labels(TextFile& file, const DataFiles& all, bool may_be_missing, LabelFacts& facts, Faults& faults) {
  const Header& header = file.header_of_labels();
  TextRows rows(file.has_labels_file() ? file.paths.labels : file.paths.features, header);
  Index n_missing = 0;
  Index n_rows = 0;
  for (; rows.next(faults); ++n_rows) {
    const std::string_view value = rows.value(file.label);
    if (is_gap(value)) {
      if (++n_missing <= n_lines_shown && !may_be_missing) {
        faults.add(rows.place() + name_of_column(header, file.label) + "label " + quoted(value) +
                   " is missing: remove the row, or give it a label");
      }
      continue;
    }
    std::string why;
    if (all.targets == Targets::Numbers) {
      if (!finite_number(value, why)) {
        faults.add(rows.place() + name_of_column(header, file.label) + "label " + quoted(value) + " " + why);
      }
    } else if (why = facts.add(value); !why.empty()) {
      faults.add(rows.place() + name_of_column(header, file.label) + why);
    }
  }
  if (n_missing > 0 && may_be_missing) {
    file.notes.push_back(std::to_string(n_missing) + " of " + std::to_string(n_rows) +
                         " rows have no label and are left out");
  }
  if (n_missing == n_rows && n_rows > 0) {
    faults.add(rows.file().path() + ": " + name_of_column(header, file.label) + "no row has a label");
  }
}

TableColumns learn_columns(const TextFile& file, const DataFiles& all, Faults& faults) {
  const auto places = feature_places(file);
  const auto asked = kinds_asked(file, places, all.columns);
  const auto facts = facts_of(file, places, asked, faults);
  const bool may_have_decimal_comma = file.header.separator != ',';
  TableColumns table;
  for (std::size_t i = 0; i < places.size(); ++i) {
    try {
      table.columns.push_back(column_of(name_in(file.header, places[i]), facts[i], asked[i], may_have_decimal_comma,
                                        file.paths.features + ": " + name_of_column(file.header, places[i])));
    } catch (const Error& error) {
      if (error.code() != ExitCode::Data) {
        throw;
      }
      faults.add(error.what());
    }
  }
  faults.throw_if_any();
  table.lay_out(facts, all.keeps_scales);
  if (table.n_features == 0) {
    throw Error(ExitCode::Data, file.paths.features + ": no column can be a feature");
  }
  if (!table.has_text()) {
    return table;
  }
  std::vector<RarityCounter> counters;
  for (const Column& column : table.columns) {
    counters.emplace_back(column);
  }
  TextRows rows(file.paths.features, file.header);
  while (rows.next(faults)) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (table.columns[i].kind == ColumnKind::Text) {
        counters[i].add(rows.value(places[i]));
      }
    }
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    table.columns[i].rarity = counters[i].rarity();
  }
  return table;
}

/// Finds the columns of the first file in another: by name, or by place where one of the files has no names.
void match_columns(const TextFile& first, const TableColumns& learnt, TextFile& file) {
  const auto places = feature_places(file);
  const auto refuse = [&](const std::string& why) { throw Error(ExitCode::Data, file.paths.features + ": " + why); };
  if (first.header.names.empty() || file.header.names.empty()) {
    if (places.size() != learnt.columns.size()) {
      refuse(std::to_string(places.size()) + " columns of features, but " + first.paths.features + " has " +
             std::to_string(learnt.columns.size()) + ", and without names in both they cannot be matched");
    }
    file.place_of = places;
    if (first.header.names.empty() != file.header.names.empty()) {
      file.notes.push_back("only one of this file and " + first.paths.features +
                           " has a header: columns are matched by their order");
    }
    return;
  }
  std::string missing;
  std::size_t n_used = 0;
  for (const Column& column : learnt.columns) {
    const auto at = std::ranges::find_if(places, [&](std::size_t p) { return file.header.names[p] == column.name; });
    file.place_of.push_back(at == places.end() ? no_column : *at);
    n_used += at == places.end() ? 0 : 1;
    if (at == places.end() && column.kind != ColumnKind::Ignore) {
      missing += (missing.empty() ? "" : ", ") + quoted(column.name);
    }
  }
  if (!missing.empty()) {
    std::string there;
    for (const std::size_t place : places) {
      there += (there.empty() ? "" : ", ") + quoted(file.header.names[place]);
    }
    refuse("has no column " + missing + ", which " + first.paths.features + " has; its columns are " + there);
  }
  if (!std::ranges::is_sorted(file.place_of)) {
    file.notes.emplace_back("columns stand in another order than in " + first.paths.features +
                            ": they are matched by name");
  }
  if (n_used < places.size()) {
    file.notes.push_back(std::to_string(places.size() - n_used) + " columns that " + first.paths.features +
                         " does not have are not looked at");
  }
}

/// Files whose first lines name classes may name them in different orders.
void match_class_names(const TextFile& first, TextFile& file) {
  const auto& names = first.header.class_names;
  const auto& own = file.header.class_names;
  if (own.empty() || names.empty() || own == names) {
    return;
  }
  for (const std::string& name : own) {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) {
      throw Error(ExitCode::Data, file.paths.features + ": class " + quoted(name) + " is not one of those of " +
                                      first.paths.features + ": must be the same in all files of a run");
    }
    file.class_of.push_back(static_cast<Label>(at - names.begin()));
  }
  file.notes.emplace_back("classes stand in another order than in " + first.paths.features +
                          ": they are matched by name");
}

class CsvSource : public RowSource {
 public:
  CsvSource(std::shared_ptr<const TextFile> file, std::shared_ptr<const Learnt> learnt, bool may_lack_labels)
      : file_(std::move(file)),
        learnt_(std::move(learnt)),
        may_lack_labels_(may_lack_labels),
        encoder_(learnt_->columns),
        rows_(file_->paths.features, file_->header) {
    if (file_->has_labels_file()) {
      labels_ = std::make_unique<TextRows>(file_->paths.labels, file_->label_header);
    }
  }

  Table read(Index n) override {
    Table table;
    table.name = file_->paths.features;
    table.n_features = learnt_->columns.n_features;
    table.element = learnt_->columns.is_sparse ? Storage::Sparse : Storage::Float32;
    if (learnt_->columns.is_sparse) {
      table.first_entry.push_back(0);
    }
    table.class_names = learnt_->classes.names();
    Faults faults(file_->paths.features);
    bool ended = false;
    while (table.n_rows < n && !ended) {
      ended = !rows_.next(faults);
      if (!ended) {
        add_row(table, faults);
      }
    }
    faults.throw_if_any();
    if (n_rows_ == table.n_rows) {  // the first band
      table.notes = file_->notes;
    }
    if (ended && !ended_) {
      finish(table);
    }
    ended_ = ended;
    return table;
  }
  [[nodiscard]] Real part_read() const override { return rows_.file().part_read(); }
  [[nodiscard]] bool is_text() const override { return true; }

 private:
  void add_row(Table& table, Faults& faults) {
    if (labels_ && !labels_->next(faults)) {
      fail_lengths(labels_->file().path(), n_labels_, n_labels_ + 1, faults);
    }
    ++n_labels_;
    const TextRows& with_label = labels_ ? *labels_ : rows_;
    const std::string_view label = with_label.value(file_->label);
    if (may_lack_labels_ && is_gap(label)) {
      return;
    }
    encoder_.begin();
    for (std::size_t i = 0; i < file_->place_of.size(); ++i) {
      if (const std::size_t place = file_->place_of[i]; place != no_column) {
        if (const std::string why = encoder_.set(i, rows_.value(place)); !why.empty()) {
          faults.add(rows_.place() + name_of_column(file_->header, place) + why);
        }
      }
    }
    encoder_.append_to(table);
    table.lines.push_back(rows_.line());
    ++table.n_rows;
    ++n_rows_;
    std::string why;
    if (learnt_->targets == Targets::Numbers) {
      table.numbers.push_back(finite_number(label, why).value_or(0));
      return;
    }
    const auto number = learnt_->classes.class_of(label);
    const auto k = static_cast<std::size_t>(number.value_or(0));
    table.labels.push_back(k < file_->class_of.size() ? file_->class_of[k] : number.value_or(0));
  }

  [[noreturn]] static void fail_changed(const std::string& path) {
    throw Error(ExitCode::Data, path + ": was changed while it was read");
  }

  [[noreturn]] void fail_lengths(const std::string& labels, Index n_labels, Index n_rows, Faults& faults) {
    for (; rows_.next(faults); ++n_rows) {
    }
    throw Error(ExitCode::Data, labels + ": " + std::to_string(n_labels) + " labels, but " + file_->paths.features +
                                    " has " + std::to_string(n_rows) + " rows: the files do not belong together");
  }

  void finish(Table& table) {
    Faults faults(file_->paths.features);
    if (labels_ && labels_->next(faults)) {
      Index n_labels = n_labels_ + 1;
      for (; labels_->next(faults); ++n_labels) {
      }
      fail_lengths(labels_->file().path(), n_labels, n_labels_, faults);
    }
    if (file_->header.n_rows && *file_->header.n_rows != n_rows_) {
      rows_.file().fail(std::to_string(n_rows_) + " rows, but its first line says " +
                        std::to_string(*file_->header.n_rows) + ": the file is truncated or damaged");
    }
    const Conversions& did = encoder_.conversions();
    if (did.n_filled > 0) {
      table.notes.push_back(std::to_string(did.n_filled) + " missing values are filled with the mean of their column");
    }
    if (did.n_unknown > 0) {
      table.notes.push_back(std::to_string(did.n_unknown) +
                            " values of categories do not stand in the training file and count as none");
    }
  }

  std::shared_ptr<const TextFile> file_;
  std::shared_ptr<const Learnt> learnt_;
  bool may_lack_labels_;
  RowEncoder encoder_;
  TextRows rows_;
  std::unique_ptr<TextRows> labels_;
  Index n_rows_ = 0, n_labels_ = 0;  // so far
  bool ended_ = false;
};

std::string sentence_of_header(const TextFile& file) {
  const Header& header = file.header;
  return "fields between " + std::string(name_of_separator(header.separator)) + ", " +
         (!header.class_names.empty() ? "first line: number of rows and features, names of classes"
          : header.is_line            ? "first line: names of columns"
          : header.names.empty()      ? "first line: a row"
                                      : "names of columns from the first object");
}

}  // namespace

RowSources csv_rows(const DataFiles& all) {
  std::vector<std::shared_ptr<TextFile>> files;
  for (const DataFile& paths : all.files) {
    files.push_back(std::make_shared<TextFile>(open_text(paths, all)));
    files.back()->notes.push_back(sentence_of_header(*files.back()));
  }
  auto learnt = std::make_shared<Learnt>();
  learnt->targets = all.targets;
  TextFile& first = *files.front();
  Faults faults(first.paths.features);
  learnt->columns = learn_columns(first, all, faults);
  const auto sentences = sentences_of(learnt->columns);
  first.notes.insert(first.notes.end(), sentences.begin(), sentences.end());
  LabelFacts labels;
  for (const auto& file : files) {
    const bool is_first = file == files.front();
    if (is_first) {
      file->place_of = feature_places(*file);
    } else {
      match_columns(first, learnt->columns, *file);
      match_class_names(first, *file);
    }
    Faults of_labels(file->paths.features);
    see_labels(*file, all, !is_first, labels, of_labels);
    of_labels.throw_if_any();
  }
  if (all.targets == Targets::Classes) {
    learnt->classes = ClassLabels(labels, all.class_names.empty() ? first.header.class_names : all.class_names,
                                  first.paths.features + ": ");
  }
  RowSources sources;
  for (const auto& file : files) {
    sources.push_back(std::make_unique<CsvSource>(file, learnt, file != files.front()));
  }
  return sources;
}

Table read_csv(const std::string& path, const std::string& label_column, const std::string& labels_path,
               Targets targets) {
  return read_all(*csv_rows(path, label_column, labels_path, targets));
}

std::unique_ptr<RowSource> csv_rows(const std::string& path, const std::string& label_column,
                                    const std::string& labels_path, Targets targets) {
  return std::move(
      csv_rows({.files = {{.features = path, .labels = labels_path}}, .label_column = label_column, .targets = targets})
          .front());
}

}  // namespace meha
