// SPDX-License-Identifier: MIT
// What a cell of a table as people have it says: a number, a date, or that there is nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// Whether a cell says that its value is missing: empty, NA, N/A, #N/A, NaN, null, None, ? or a single point.
bool is_gap(std::string_view value);

/// Returns a finite number, with a point or a comma before its decimals. @param has_comma  set
std::optional<Real> number_of_cell(std::string_view value, bool& has_comma);

/// Days since 1970-01-01, with the hours as a fraction of a day. The two are alike unless the date is as 3/4/2026, where the
/// other values of a column tell what comes first.
struct CellDay {
  std::optional<Real> month_first, day_first;
  explicit operator bool() const { return month_first || day_first; }
};

/// Reads 2026-11-27, 2026/11/27, 27.11.2026, 11/27/2026 and 27/11/2026, and behind a date, 08:15, 08:15:30Z or 8:15 PM. Time
/// zones are not looked at.
CellDay day_of_cell(std::string_view value);

/// Whether a word has digits and no letters: "$3.50", "12:51".
bool looks_like_number(std::string_view value);

/// Returns the text with ASCII letters in lower case.
std::string lower_case(std::string_view text);

/// Returns the text for a terminal: control characters but line ends, which could change it, as \xNN; others as they
/// stand.
std::string printable(std::string_view text);

/// Returns the text as one cell of a CSV that spreadsheets take for text: quoted where it must be, and behind an apostrophe
/// where a spreadsheet would take it for a formula (it begins with = + - @ and is not a number).
std::string csv_cell(std::string_view text);

/// Returns the cells of one line of a CSV; none for an empty text.
std::vector<std::string> cells_in(std::string_view text);

}  // namespace meha
