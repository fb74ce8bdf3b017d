// SPDX-License-Identifier: MIT
// One line of a table as text, cut into its fields.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace meha {

using CsvFields = std::vector<std::string>;

/// Throws an Error that names file, line, column and cause.
using FailInColumn = std::function<void(std::size_t column, const std::string& why)>;

/// Sets the fields to the words of a line, which blanks and tabs separate.
void split_at_blanks(std::string_view line, CsvFields& fields);

/// Sets the fields to what commas separate, without blanks around it. A field in quotes may hold commas; a quote in it is
/// doubled. Errors: what `fail` throws, for a quote that is not closed or is followed by text.
void split_at_commas(std::string_view line, CsvFields& fields, const FailInColumn& fail);

}  // namespace meha
