// SPDX-License-Identifier: MIT
#include "split_checks.hpp"

#include <algorithm>
#include <map>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/row_source.hpp"

namespace meha {
namespace {

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

std::vector<Index> rows_of_classes(const Selection& rows, Index n_classes) {
  std::vector<Index> n_rows(static_cast<std::size_t>(n_classes), 0);
  for (const Label label : rows.labels) {
    ++n_rows[static_cast<std::size_t>(label)];
  }
  return n_rows;
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

/// A warning where two classes seem to be one; else empty.
std::string remark_on_names(const std::vector<std::string>& names) {
  std::map<std::string, std::string> seen;
  for (const std::string& name : names) {
    const auto [other, is_new] = seen.emplace(lower_case(name), name);
    if (!is_new) {
      return "warning: classes " + toml(other->second) + " and " + toml(name) +
             " differ in upper and lower case alone: are they one?";
    }
  }
  return {};
}

}  // namespace

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

void check_same_classes(const Split& split) {
  const Table& train = *split.rows[Level::Lower].table;
  const auto known = classes_in(train, split.n_classes());
  for (const Selection& rows : split.rows) {
    if (!rows.table || rows.table.get() == &train) {
      continue;
    }
    const auto used = classes_in(*rows.table, split.n_classes());
    std::size_t strange = used.size();
    bool lacks_one = false;
    for (std::size_t k = 0; k < used.size(); ++k) {
      strange = used[k] && !known[k] ? std::min(strange, k) : strange;
      lacks_one = lacks_one || (known[k] && !used[k]);
    }
    const bool are_numbers = train.class_names.empty();  // which the training rows may lack by chance
    if (strange < used.size() && (!are_numbers || lacks_one)) {
      throw Error(ExitCode::Data, rows.table->name + ": class " + toml(split.class_names[strange]) +
                                      " is that of none of the rows of " + train.name +
                                      ": are labels written otherwise there? Where they are right, name all classes in "
                                      "problem.data.class_names");
    }
  }
}

void check_noise(const Split& split, const NoiseOptions& noise) {
  const auto n_rows = rows_of_classes(split.rows[Level::Lower], split.n_classes());
  const auto none = std::ranges::find(n_rows, 0);
  if (none != n_rows.end()) {
    throw Error(ExitCode::Config, "problem.noise.kind = " + toml(noise.kind) + ": class " +
                                      toml(split.class_names[static_cast<std::size_t>(none - n_rows.begin())]) +
                                      " has no training rows, and noise would give rows a class that does not exist");
  }
}

void add_notes(Split& split) {
  std::vector<const Table*> told;
  for (const Level level : all_levels) {
    const Selection& rows = split.rows[level];
    if (rows.n_rows() == 0) {
      continue;
    }
    split.notes.push_back(sentence_of(level, rows, split));
    constexpr Index few_classes = 2;
    if (const Index n = split.n_classes(); level == Level::Upper && n > few_classes && rows.n_rows() < 2 * n) {
      split.notes.push_back("warning: " + std::to_string(rows.n_rows()) + " validation rows for " + std::to_string(n) +
                            " classes: with less than two of a class, more labels look wrong than are");
    }
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
  if (const std::string remark = remark_on_names(split.class_names); !remark.empty()) {
    split.notes.push_back(printable(remark));
  }
}

}  // namespace meha
