// SPDX-License-Identifier: MIT
#include "meha/data/header.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/hdf5_columns.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::size_t n_looked_at = 1000;

using Cells = std::vector<std::string>;

std::vector<Cells> first_records(RecordReader& reader) {
  std::vector<Cells> records;
  for (TextRecord record; records.size() < n_looked_at && reader.next(record);) {
    records.emplace_back(record.values.begin(), record.values.end());
  }
  return records;
}

bool says_number(const std::string& cell) {
  bool has_comma = false;
  return number_of_cell(cell, has_comma).has_value() || static_cast<bool>(day_of_cell(cell));
}

bool says_word(const std::string& cell) {
  return !is_gap(cell) && !says_number(cell);
}

bool is_summary(const std::vector<Cells>& records) {
  constexpr std::size_t least = 4;  // two numbers and two classes
  const Cells& first = records[0];
  return records.size() > 1 && first.size() >= least && whole_number(first[0]) &&
         whole_number(first[1]) == std::ssize(records[1]) - 1 &&
         std::all_of(first.begin() + 2, first.end(), says_word) && whole_number(records[1].back());
}

/// What stands below a cell of the first record.
struct Below {
  Index n_numbers = 0, n_words = 0, n_same = 0;
};

Below below(const std::vector<Cells>& records, std::size_t column) {
  Below result;
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (column < records[i].size()) {
      const std::string& cell = records[i][column];
      result.n_numbers += says_number(cell) ? 1 : 0;
      result.n_words += says_word(cell) ? 1 : 0;
      result.n_same += cell == records[0][column] ? 1 : 0;
    }
  }
  return result;
}

/// Returns how many of the cells are numbers, where these are strictly increasing; else 0.
Index n_increasing(const Cells& cells) {
  Index n = 0;
  Real last = 0;
  for (const std::string& cell : cells) {
    bool has_comma = false;
    if (const auto number = number_of_cell(cell, has_comma)) {
      if (n > 0 && *number <= last) {
        return 0;
      }
      last = *number;
      ++n;
    }
  }
  return n;
}

bool is_name(const std::string& cell) {
  return says_word(cell) && std::ranges::none_of(cell, [](char c) { return c >= '0' && c <= '9'; });
}

/// 0, 1, 2, … or 1, 2, 3, …; the first may be missing over a column of row numbers.
bool numbers_columns(const std::vector<Cells>& records) {
  constexpr std::size_t few_columns = 4;
  constexpr std::size_t many_columns = 8;
  constexpr std::size_t many_rows = 20;
  const Cells& first = records[0];
  const std::size_t begin = first[0].empty() ? 1 : 0;
  const auto at = [&](std::size_t i) { return whole_number(first[i]); };
  const bool is_one_kind = n_increasing(first) == std::ssize(first) - static_cast<Index>(begin);
  if (first.size() >= 3 && is_one_kind && at(begin) > 1 && records.size() > many_rows) {  // years, wavelengths
    return below(records, first.size() - 1).n_same == 0 && n_increasing(records[1]) == 0;
  }
  if (first.size() < 3 || !at(begin) || *at(begin) < 0 || *at(begin) > 1) {
    return false;
  }
  for (std::size_t i = begin + 1; i < first.size(); ++i) {
    if (at(i) != *at(begin) + static_cast<Index>(i - begin)) {
      return false;
    }
  }
  const bool may_be_chance = begin == 0 && first.size() < few_columns + begin && records.size() <= many_rows;
  return first.size() >= many_columns || (!may_be_chance && below(records, first.size() - 1).n_same == 0);
}

bool names_columns(const std::vector<Cells>& records) {
  const Cells& first = records[0];
  if (numbers_columns(records)) {
    return true;
  }
  Index n_words = 0;
  Index n_over_numbers = 0;
  Index n_numbers = 0;  // that are not the number of their column
  std::set<std::string> different;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Below others = below(records, i);
    if (says_word(first[i])) {
      if (others.n_same > 0) {
        return false;
      }
      ++n_words;
      n_over_numbers += others.n_words == 0 && others.n_numbers > 0 ? 1 : 0;
      different.insert(first[i]);
    } else if (!is_gap(first[i])) {
      const auto number = whole_number(first[i]);
      n_numbers += number == static_cast<Index>(i) || number == static_cast<Index>(i) - 1 ? 0 : 1;
    }
  }
  if (n_words == 0 || (std::ssize(different) < n_words && n_over_numbers < n_words)) {
    return false;
  }
  const bool is_scale = n_increasing(first) >= 2 && std::ranges::all_of(first, [](const std::string& cell) {
                          return is_name(cell) || is_gap(cell) || !says_word(cell);
                        });
  return n_numbers == 0 || n_over_numbers > 1 || is_scale;
}

void check_names(const Header& header, const RecordReader& reader) {
  std::set<std::string> seen;
  for (const std::string& name : header.names) {
    if (!name.empty() && !seen.insert(name).second) {
      reader.file().fail("two columns are named " + in_quotes(name) + ": columns are found by name, so rename one");
    }
  }
}

}  // namespace

Header header_of(const std::string& path, const std::string& setting, bool may_be_summary) {
  RecordReader reader(path);
  const auto records = first_records(reader);
  if (records.empty()) {
    reader.file().fail("is empty: a table needs a row");
  }
  const bool is_named = Hdf5Columns::are_in(path);
  Header header{.n_columns = records[0].size(), .separator = reader.separator()};
  if (!reader.names().empty()) {
    header.names = reader.names();
  } else if (may_be_summary && setting != "false" && is_summary(records) && !is_named) {
    header.is_line = true;
    header.n_rows = whole_number(records[0][0]);
    header.class_names.assign(records[0].begin() + 2, records[0].end());
    header.n_columns = records[1].size();
  } else if (setting == "true" || (setting == "auto" && names_columns(records)) || is_named) {
    header.is_line = true;
    header.names = records[0];
  }
  if (header.is_line && records.size() < 2) {
    reader.file().fail("has no row after its first line");
  }
  check_names(header, reader);
  return header;
}

std::size_t find_column(const Header& header, const std::string& name) {
  const auto named = std::ranges::find(header.names, name);
  if (named != header.names.end()) {
    return static_cast<std::size_t>(named - header.names.begin());
  }
  const auto number = whole_number(name);
  return number && *number >= 0 && *number < static_cast<Index>(header.n_columns) ? static_cast<std::size_t>(*number)
                                                                                  : no_column;
}

std::size_t label_column_of(const Header& header, const std::string& wanted, const std::string& path) {
  constexpr std::array usual = {"label", "labels", "class", "target"};
  const auto is_usual = [&](const std::string& name) {
    return std::ranges::find(usual, lower_case(name)) != usual.end();
  };
  if (!wanted.empty()) {
    const std::size_t column = find_column(header, wanted);
    if (column == no_column) {
      std::string names;
      for (const std::string& name : header.names) {
        names += (names.empty() ? "" : ", ") + in_quotes(name);
      }
      throw Error(ExitCode::Data, path + ": problem.data.label_column = " + toml(wanted) +
                                      ": must be a number from 0 to " + std::to_string(header.n_columns - 1) +
                                      (header.names.empty() ? "; the file has no header with names"
                                                            : " or a name that stands in the header: " + names));
    }
    return column;
  }
  std::size_t last = header.n_columns - 1;  // of the person's own columns
  while (last > 0 && last < header.names.size() && is_own_column(header.names[last])) {
    --last;
  }
  const auto named = std::ranges::find_if(header.names, is_usual);
  if (named != header.names.end() && !is_usual(header.names[last])) {
    throw Error(ExitCode::Data, path + ": the labels are taken from the last column, which is named " +
                                    in_quotes(header.names[last]) + ", but one is named " + in_quotes(*named) +
                                    ": say which with problem.data.label_column");
  }
  return last;
}

}  // namespace meha
