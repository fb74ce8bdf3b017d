// SPDX-License-Identifier: MIT
// What meha clean and meha pick tell people.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "clean_files.hpp"
#include "meha/data/cell.hpp"

namespace meha {

std::string doubts(const Answers& answers) {
  constexpr Real many = 1.0 / 3;
  constexpr Real nearly_all = 0.8;
  constexpr Real near_chance = 0.8;
  constexpr Index few_rows = 5;
  const auto n_rows = std::ssize(answers.rows);
  const auto n_classes = std::ssize(answers.class_names);
  const Index n_suspects = std::ranges::count_if(answers.rows, is_suspect);
  std::string text;
  if (static_cast<Real>(n_suspects) > many * static_cast<Real>(n_rows)) {
    text += "  more than a third of all labels look wrong\n";
  }
  if (n_rows < few_rows * n_classes) {
    text += "  there are " + std::to_string(n_classes) + " classes for " + std::to_string(n_rows) + " rows\n";
  }
  if (answers.trusted_value > near_chance * std::log(static_cast<Real>(n_classes))) {
    text += "  models of all rows tell the trusted rows apart hardly better than by chance\n";
  }
  std::vector<Index> of_class(answers.class_names.size(), 0);
  std::vector<Index> suspects(answers.class_names.size(), 0);
  for (const RowAnswer& row : answers.rows) {
    ++of_class[static_cast<std::size_t>(row.given)];
    suspects[static_cast<std::size_t>(row.given)] += is_suspect(row) ? 1 : 0;
  }
  for (std::size_t k = 0; k < of_class.size(); ++k) {
    if (of_class[k] >= few_rows && static_cast<Real>(suspects[k]) >= nearly_all * static_cast<Real>(of_class[k])) {
      text += "  nearly all rows of class " + printable(answers.class_names[k]) + " look wrong\n";
    }
  }
  return text.empty() ? text
                      : "warning: do not believe these suspects before you have looked at some of them:\n" + text +
                            "either the labels are that bad, or the columns do not tell the classes apart (scales,\n"
                            "missing columns, a wrong --label)\n";
}

std::string expectation(const Answers& answers) {
  Real wrong = 0;
  Real missed = 0;
  Index n_suspects = 0;
  for (const RowAnswer& row : answers.rows) {
    n_suspects += is_suspect(row) ? 1 : 0;
    (is_suspect(row) ? wrong : missed) += 1 - row.p_correct;
  }
  std::ostringstream text;
  text << n_suspects << " of " << answers.rows.size() << " labels look wrong; about " << std::lround(wrong)
       << " of these are expected to be wrong indeed, and about " << std::lround(missed)
       << " wrong ones not to be among them\n";
  return text.str();
}

std::string shell_word(const std::string& word) {
  constexpr const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+,:=@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
    return word;
  }
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return quoted + "'";
}

std::string source_of(const CleanArguments& a) {
  return a.trusted.empty() ? "meha pick chooses rows to look at, which then make all of this surer (--trusted)\n"
                           : "these numbers rest on " + printable(a.trusted) +
                                 ": they are as good as its labels, and as far as its rows are like the others\n";
}

}  // namespace meha
