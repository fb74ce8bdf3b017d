// SPDX-License-Identifier: MIT
// Long, because what is learnt of columns, of labels and of how files fit together is learnt in one reading.
#include "text_files.hpp"

#include <algorithm>
#include <map>
#include <ranges>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/row_encoder.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index n_lines_shown = 3;

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

/// Sees the labels of one file.
class LabelSight {
 public:
  /// @param may_be_missing  rows without a label are left out later
  LabelSight(const TextFile& file, Targets targets, bool may_be_missing)
      : file_(&file),
        path_(file.has_labels_file() ? file.paths.labels : file.paths.features),
        targets_(targets),
        may_be_missing_(may_be_missing),
        faults_(path_) {}

  void see(const TextRows& rows) {
    const std::string_view value = rows.value(file_->label);
    ++n_rows_;
    std::string why;
    if (is_gap(value)) {
      why = ++n_missing_ <= n_lines_shown && !may_be_missing_
                ? "label " + in_quotes(value) + " is missing: remove the row, or give it a label"
                : "";
    } else if (targets_ == Targets::Classes) {
      why = facts_.add(value);
    } else if (!finite_number(value, why)) {
      why = "label " + in_quotes(value) + " " + why;
    }
    if (!why.empty()) {
      faults_.add(rows.place() + column() + why);
    }
  }
  /// Sees all rows of the file.
  void see_all() {
    TextRows rows(path_, file_->header_of_labels());
    while (rows.next(faults_)) {
      see(rows);
    }
  }
  /// @param labels  what this file has is added    Errors: Error(Data) for all faults.
  void finish(LabelFacts& labels, std::vector<std::string>& notes) {
    if (n_missing_ == n_rows_ && n_rows_ > 0) {
      faults_.add(path_ + ": " + column() + "no row has a label: which column has them says problem.data.label_column");
    }
    faults_.throw_if_any();
    labels.add(facts_);
    if (n_missing_ > 0) {
      notes.push_back(std::to_string(n_missing_) + " of " + std::to_string(n_rows_) +
                      " rows have no label and are left out");
    }
  }

 private:
  [[nodiscard]] std::string column() const { return name_of_column(file_->header_of_labels(), file_->label); }

  const TextFile* file_;
  std::string path_;
  Targets targets_;
  bool may_be_missing_;
  Faults faults_;
  LabelFacts facts_;
  Index n_missing_ = 0, n_rows_ = 0;
};

/// Sees all values of the training file, and its labels where they stand there; once more where only the last rows showed that a column is no number.
std::vector<ColumnFacts> facts_of(const TextFile& file, const std::vector<std::size_t>& places,
                                  const std::vector<ColumnKind>& asked, LabelSight& labels, Faults& faults) {
  const LabelSight nothing_seen = labels;
  std::vector<ColumnFacts> facts;
  for (std::size_t i = 0; i < places.size(); ++i) {
    facts.emplace_back(asked[i] == ColumnKind::Category);
  }
  for (bool again = true; again;) {
    again = false;
    faults = Faults(file.paths.features);
    labels = nothing_seen;
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
      if (!file.has_labels_file()) {
        labels.see(rows);
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

/// Sets the rarity of words in columns of text, for which the file is read once more.
void count_words(const TextFile& file, const std::vector<std::size_t>& places, TableColumns& table) {
  std::map<std::size_t, RarityCounter> counters;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (table.columns[i].kind == ColumnKind::Text) {
      counters[i];
    }
  }
  Faults none(file.paths.features);
  TextRows rows(file.paths.features, file.header);
  while (!counters.empty() && rows.next(none)) {
    for (auto& [i, counter] : counters) {
      counter.add(rows.value(places[i]));
    }
  }
  for (const auto& [i, counter] : counters) {
    table.columns[i].rarity = counter.rarity();
  }
}

TableColumns learn_columns(const TextFile& file, const DataFiles& all, LabelSight& labels) {
  Faults faults(file.paths.features);
  const auto places = feature_places(file);
  const auto asked = kinds_asked(file, places, all.columns);
  const auto facts = facts_of(file, places, asked, labels, faults);
  const bool may_have_decimal_comma = file.header.separator != ',';
  TableColumns table;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string name = name_in(file.header, places[i]);
    try {
      table.columns.push_back(column_of(name, name.empty() ? std::to_string(places[i]) : name, facts[i], asked[i],
                                        may_have_decimal_comma,
                                        file.paths.features + ": " + name_of_column(file.header, places[i])));
    } catch (const Error& error) {
      if (error.code() != ExitCode::Data) {
        throw;
      }
      faults.add(error.what());
    }
  }
  faults.throw_if_any();
  count_words(file, places, table);
  table.lay_out(facts, all.keeps_scales);
  if (table.n_features == 0) {
    throw Error(ExitCode::Data, file.paths.features + ": no column can be a feature");
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
      missing += (missing.empty() ? "" : ", ") + in_quotes(column.name);
    }
  }
  if (!missing.empty()) {
    std::string there;
    for (const std::size_t place : places) {
      there += (there.empty() ? "" : ", ") + in_quotes(file.header.names[place]);
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
      throw Error(ExitCode::Data, file.paths.features + ": class " + in_quotes(name) + " is not one of those of " +
                                      first.paths.features + ": must be the same in all files of a run");
    }
    file.class_of.push_back(static_cast<Label>(at - names.begin()));
  }
  file.notes.emplace_back("classes stand in another order than in " + first.paths.features +
                          ": they are matched by name");
}

std::string sentence_of_header(const TextFile& file) {
  const Header& header = file.header;
  return "fields between " + std::string(name_of_separator(header.separator)) + ", " +
         (!header.class_names.empty() ? "first line: number of rows and features, names of classes"
          : header.is_line            ? "first line: names of columns"
          : header.names.empty()      ? "first line: a row"
                                      : "names of columns from the first object");
}

}  // namespace

std::string name_of_column(const Header& header, std::size_t column) {
  return "column " + std::to_string(column) +
         (column < header.names.size() ? " (" + in_quotes(header.names[column]) + ")" : "") + ": ";
}

TextFiles learn_text(const DataFiles& all) {
  TextFiles result{.files = {}, .learnt = std::make_shared<Learnt>()};
  for (const DataFile& paths : all.files) {
    result.files.push_back(std::make_shared<TextFile>(open_text(paths, all)));
    result.files.back()->notes.push_back(sentence_of_header(*result.files.back()));
  }
  Learnt& learnt = *result.learnt;
  learnt.targets = all.targets;
  TextFile& first = *result.files.front();
  first.place_of = feature_places(first);
  LabelFacts facts;
  for (const auto& file : result.files) {
    const bool is_first = file == result.files.front();
    LabelSight labels(*file, all.targets, !is_first);
    if (is_first) {
      learnt.columns = learn_columns(first, all, labels);
      const auto sentences = sentences_of(learnt.columns);
      first.notes.insert(first.notes.end(), sentences.begin(), sentences.end());
    } else {
      match_columns(first, learnt.columns, *file);
      match_class_names(first, *file);
    }
    if (!is_first || file->has_labels_file()) {
      labels.see_all();
    }
    labels.finish(facts, file->notes);
  }
  if (all.targets == Targets::Classes) {
    learnt.classes = ClassLabels(facts, all.class_names.empty() ? first.header.class_names : all.class_names,
                                 first.paths.features + ": ");
  }
  return result;
}

}  // namespace meha
