// SPDX-License-Identifier: MIT
#include "csv_line.hpp"

#include <algorithm>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

/// @param rest  what follows the opening quote  @return  what follows the field: empty, or begins with a comma
std::string_view take_quoted(std::string_view rest, CsvFields& fields, const FailInColumn& fail) {
  for (;;) {
    const std::size_t quote = rest.find('"');
    if (quote == std::string_view::npos) {
      fail(fields.size() - 1, "a quote is opened but not closed in this line");
    }
    fields.back() += rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    if (rest.empty() || rest[0] != '"') {
      break;
    }
    fields.back() += '"';
    rest.remove_prefix(1);
  }
  fields.back() = std::string(trimmed(fields.back()));
  rest = trimmed(rest);
  if (!rest.empty() && rest[0] != ',') {
    fail(fields.size() - 1, "text follows the closing quote: fields are separated by commas");
  }
  return rest;
}

}  // namespace

void split_at_blanks(std::string_view line, CsvFields& fields) {
  fields.clear();
  for (std::string_view rest = trimmed(line); !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    fields.emplace_back(rest.substr(0, end));
    rest = trimmed(rest.substr(end));
  }
}

void split_at_commas(std::string_view line, CsvFields& fields, const FailInColumn& fail) {
  fields.clear();
  std::string_view rest = line;
  for (bool more = true; more;) {
    const std::size_t start = std::min(rest.find_first_not_of(" \t"), rest.size());
    fields.emplace_back();
    if (start < rest.size() && rest[start] == '"') {
      rest = take_quoted(rest.substr(start + 1), fields, fail);
    } else {
      const std::size_t end = std::min(rest.find(','), rest.size());
      fields.back() = trimmed(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    more = !rest.empty();
    rest.remove_prefix(more ? 1 : 0);
  }
}

}  // namespace meha
