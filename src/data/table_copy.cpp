// SPDX-License-Identifier: MIT
#include "meha/data/table_copy.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "meha/data/cell.hpp"

namespace meha {
TableCopy::TableCopy(const std::string& path, const std::string& header, const std::string& label_column)
    : reader_(path), header_(header_of(path, header, true)), label_(label_column_of(header_, label_column, path)) {
  if (header_.is_line) {
    (void)reader_.next(head_);
  }
}

void TableCopy::write_head(std::ostream& out, std::span<const NewCell> more) const {
  if (header_.names.empty() || !header_.is_line) {
    return;
  }
  out << head_.text;
  for (const NewCell& cell : more) {
    out << reader_.separator() << cell.name;
  }
  out << '\n';
}

void TableCopy::write(std::ostream& out, const std::optional<std::string>& label, std::span<const NewCell> more) const {
  if (reader_.separator() == '{') {
    auto object = nlohmann::ordered_json::parse(record_.text);
    if (label) {
      object[header_.names[label_]] = *label;
    }
    for (const NewCell& cell : more) {
      object[cell.name] = cell.value;
    }
    out << object.dump() << '\n';
    return;
  }
  const TextRecord::Place at = record_.places[label_];
  if (label) {
    out << std::string_view(record_.text).substr(0, at.begin) << csv_cell(*label)
        << std::string_view(record_.text).substr(at.end);
  } else {
    out << record_.text;
  }
  for (const NewCell& cell : more) {
    out << reader_.separator() << csv_cell(cell.value);
  }
  out << '\n';
}

}  // namespace meha
