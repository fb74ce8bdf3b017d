// SPDX-License-Identifier: MIT
// What meha clean and meha pick tell people.
#include <cmath>
#include <sstream>

#include "clean_files.hpp"
#include "meha/data/cell.hpp"

namespace meha {

namespace {

/// Why p_correct is not to be believed; empty where nothing speaks against it.
std::string doubts(const SampleCounts& counts, const std::vector<std::string>& class_names, Real trusted_value) {
  constexpr Real many = 1.0 / 3;
  constexpr Real nearly_all = 0.8;
  constexpr Real near_chance = 0.8;
  constexpr Index few_rows = 5;
  const Index n_rows = counts.n_rows_in_all();
  const auto n_classes = std::ssize(class_names);
  std::string text;
  if (static_cast<Real>(counts.n_suspects_in_all()) > many * static_cast<Real>(n_rows)) {
    text += "  more than a third of all labels look wrong\n";
  }
  if (n_rows < few_rows * n_classes) {
    text += "  there are " + std::to_string(n_classes) + " classes for " + std::to_string(n_rows) + " rows\n";
  }
  if (trusted_value > near_chance * std::log(static_cast<Real>(n_classes))) {
    text += "  models of all rows tell the trusted rows apart hardly better than by chance\n";
  }
  for (std::size_t k = 0; k < class_names.size(); ++k) {
    if (counts.n_rows[k] >= few_rows &&
        static_cast<Real>(counts.n_suspects[k]) >= nearly_all * static_cast<Real>(counts.n_rows[k])) {
      text += "  nearly all rows of class " + printable(class_names[k]) + " look wrong\n";
    }
  }
  return text.empty() ? text
                      : "warning: do not believe these suspects before you have looked at some of them:\n" + text +
                            "either the labels are that bad, or the columns do not tell the classes apart (scales,\n"
                            "missing columns, a wrong --label)\n";
}

}  // namespace

std::string verdict(const SampleCounts& counts, const std::vector<std::string>& class_names, Real trusted_value) {
  std::string doubt = doubts(counts, class_names, trusted_value);
  if (!doubt.empty()) {
    return doubt;
  }
  std::ostringstream text;
  text << counts.n_suspects_in_all() << " of " << counts.n_rows_in_all() << " labels look wrong; about "
       << std::lround(counts.n_wrong) << " of these are expected to be wrong indeed, and about "
       << std::lround(counts.n_missed) << " wrong ones not to be among them\n";
  return text.str();
}

std::string source_of(const std::string& trusted) {
  return trusted.empty() ? "meha pick chooses rows to look at, which then make all of this surer (--trusted)\n"
                         : "these numbers rest on " + printable(trusted) +
                               ": they are as good as its labels, and as far as its rows are like the others\n";
}

}  // namespace meha
