// SPDX-License-Identifier: MIT
#include "libsvm_reader.hpp"

#include <algorithm>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index largest_index = max_text_table_bytes / 4;

/// Cuts the first word off.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

}  // namespace

SparseFile LibsvmReader::read(Index n, std::size_t most_entries) {
  rows_ = {};
  std::string line;
  while (std::ssize(rows_.labels) < n && rows_.entries.size() < most_entries && file_.next_line(line)) {
    const auto text = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (!text.empty()) {
      add_row(text);
    }
  }
  is_empty_ = is_empty_ && rows_.labels.empty();
  if (is_empty_) {
    file_.fail("is empty: a table needs a row");
  }
  return std::move(rows_);
}

void LibsvmReader::add_row(std::string_view text) {
  std::string why;
  const std::string_view word = take_word(text);
  const auto label = finite_number(word, why);
  if (!label) {
    file_.fail_in_line("label " + in_quotes(word) + " " + why);
  }
  rows_.labels.push_back(*label + 0.0);  // -0 is 0
  rows_.lines.push_back(file_.n_lines());
  for (Index last = 0; !text.empty();) {
    last = add_entry(take_word(text), last);
  }
  rows_.row_ends.push_back(rows_.entries.size());
}

/// @param last  the index before  @return  this index
Index LibsvmReader::add_entry(std::string_view word, Index last) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) {
    file_.fail_in_line(in_quotes(word) + ": must be index:value");
  }
  const auto index = whole_number(word.substr(0, colon));
  if (!index || *index <= last || *index > largest_index) {
    file_.fail_in_line("index " + in_quotes(word.substr(0, colon)) + ": must be a whole number from " +
                       std::to_string(last + 1) + " to " + std::to_string(largest_index) +
                       "; indices start at 1 and ascend");
  }
  std::string why;
  const auto value = finite_float(word.substr(colon + 1), why);
  if (!value) {
    file_.fail_in_line("value " + in_quotes(word.substr(colon + 1)) + " of index " + std::to_string(*index) + " " +
                       why);
  }
  if (*value != 0) {
    rows_.entries.push_back({static_cast<std::uint32_t>(*index - 1), *value});
  }
  rows_.n_features = std::max(rows_.n_features, *index);
  return *index;
}

}  // namespace meha
