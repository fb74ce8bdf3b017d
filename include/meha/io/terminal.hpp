// SPDX-License-Identifier: MIT
// The terminal that a person looks at, under mpirun too, and lines that fit into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

/// Whether standard output ends on a terminal (under mpirun: mpirun's own standard output).
bool output_is_terminal();

/// Returns how many columns the terminal of a standard stream has now; 80 where it does not say.
/// @param stream  STDOUT_FILENO or STDERR_FILENO
Index terminal_columns(int stream);

/// Returns the number of characters of a text in UTF-8.
std::size_t width_of(std::string_view text);
/// Returns the text with blanks behind it, up to a width in characters.
std::string padded(const std::string& text, std::size_t width);

struct LinePart {
  std::string text;
  int rank = 0;
};
/// Joins what fits into so many columns, in order: parts are left out one by one, those of the largest `rank` first, never
/// those of rank 0; what is still too long is cut. UTF-8, each character one column.
std::string line_of(std::vector<LinePart> parts, Index columns);

}  // namespace meha
