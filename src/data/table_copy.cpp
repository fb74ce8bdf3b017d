// SPDX-License-Identifier: MIT
#include "meha/data/table_copy.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "meha/data/cell.hpp"

namespace meha {
namespace {

/// Whether the numbers of a table have a comma before their decimals, as its first rows tell.
bool has_decimal_comma(const std::string& path) {
  constexpr Index n_looked_at = 1000;
  RecordReader reader(path);
  Index n_with_comma = 0;
  TextRecord record;
  for (Index i = 0; i < n_looked_at && reader.separator() != ',' && reader.next(record); ++i) {
    for (const std::string_view value : record.values) {
      bool has_comma = false;
      if (number_of_cell(value, has_comma) && !has_comma && value.find('.') != std::string_view::npos) {
        return false;
      }
      n_with_comma += has_comma ? 1 : 0;
    }
  }
  return n_with_comma > 0;
}

/// Returns the value of a further cell as it is written.
std::string text_of(const NewCell& cell, bool has_decimal_comma) {
  std::string text = cell.value;
  if (cell.is_number && has_decimal_comma) {
    std::ranges::replace(text, '.', ',');
    return text;
  }
  return csv_cell(text);
}

}  // namespace

TableCopy::TableCopy(const std::string& path, const std::string& header, const std::string& label_column)
    : reader_(path),
      header_(header_of(path, header, true)),
      label_(label_column_of(header_, label_column, path)),
      has_decimal_comma_(has_decimal_comma(path)) {
  if (header_.is_line) {
    (void)reader_.next(head_);
  }
}

std::string TableCopy::label_as_written() const {
  if (is_json()) {
    return nlohmann::ordered_json::parse(record_.text).value(header_.names[label_], nlohmann::ordered_json()).dump();
  }
  const TextRecord::Place at = record_.places[label_];
  return record_.text.substr(at.begin, at.end - at.begin);
}

std::string TableCopy::label_name() const {
  return label_ < header_.names.size() ? header_.names[label_] : std::to_string(label_);
}

const char* TableCopy::file_ending() const {
  return is_json() ? ".jsonl" : reader_.separator() == '\t' ? ".tsv" : ".csv";
}

void TableCopy::write_head(std::ostream& out, std::span<const NewCell> more) const {
  out << (reader_.has_mark() ? "\xef\xbb\xbf" : "");
  if (header_.names.empty() || !header_.is_line) {
    return;
  }
  out << head_.text;
  for (const NewCell& cell : more) {
    out << reader_.separator() << cell.name;
  }
  out << head_.line_end;
}

void TableCopy::write(std::ostream& out, const std::optional<std::string>& label, std::span<const NewCell> more) const {
  if (is_json()) {
    auto object = nlohmann::ordered_json::parse(record_.text);
    if (label) {
      object[header_.names[label_]] = nlohmann::ordered_json::parse(*label);
    }
    for (const NewCell& cell : more) {
      object[cell.name] =
          cell.is_number ? nlohmann::ordered_json::parse(cell.value) : nlohmann::ordered_json(cell.value);
    }
    out << object.dump() << record_.line_end;
    return;
  }
  const TextRecord::Place at = record_.places[label_];
  if (label) {
    out << std::string_view(record_.text).substr(0, at.begin) << *label
        << std::string_view(record_.text).substr(at.end);
  } else {
    out << record_.text;
  }
  for (const NewCell& cell : more) {
    out << reader_.separator() << text_of(cell, has_decimal_comma_);
  }
  out << record_.line_end;
}

}  // namespace meha
