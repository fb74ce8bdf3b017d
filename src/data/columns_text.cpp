// SPDX-License-Identifier: MIT
// What is said of the columns of a table: on a command line, to programs and to people.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "meha/core/error.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/columns.hpp"

namespace meha {

Words column_kinds_of(const std::vector<std::string>& settings) {
  Words words;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.rfind('=');
    if (equals == std::string::npos) {
      throw Error(ExitCode::Config, "--column " + setting + ": must look like age=number");
    }
    words[setting.substr(0, equals)] = setting.substr(equals + 1);
    (void)kind_of_column(setting.substr(equals + 1));
  }
  return words;
}

std::string json_of(const TableColumns& table) {
  nlohmann::ordered_json all = {{"n_features", table.n_features}, {"columns", nlohmann::ordered_json::array()}};
  for (const Column& column : table.columns) {
    nlohmann::ordered_json one = {{"name", column.name},
                                  {"kind", name_of(column.kind)},
                                  {"first_feature", column.first_feature},
                                  {"n_features", column.n_features}};
    if (column.kind == ColumnKind::Number || column.kind == ColumnKind::Date) {
      one.update({{"mean", column.mean}, {"scale", column.scale}, {"has_gaps", column.has_gaps}});
    }
    if (column.has_decimal_comma) {
      one["decimal_comma"] = true;
    }
    if (column.dates_begin_with_day) {
      one["day_first"] = true;
    }
    if (!column.categories.empty()) {
      one["categories"] = column.categories;
    }
    if (!column.rarity.empty()) {
      one["rarity"] = column.rarity;
    }
    all["columns"].push_back(one);
  }
  return all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::vector<std::string> sentences_of(const TableColumns& table) {
  constexpr std::size_t n_shown = 8;
  std::vector<std::string> sentences;
  std::map<std::string, std::vector<std::string>> by_use;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const std::string name = column.name.empty() ? std::to_string(i) : column.name;
    std::string use = name_of(column.kind);
    use += column.kind == ColumnKind::Number || column.kind == ColumnKind::Date ? ", to mean 0 and deviation 1" : "";
    use += column.kind == ColumnKind::Raw ? ", numbers as they stand" : "";
    use += column.kind == ColumnKind::Category && column.categories.empty() ? ", hashed" : "";
    use += column.has_gaps && (column.kind == ColumnKind::Number || column.kind == ColumnKind::Date)
               ? ", gaps filled with the mean and marked"
               : "";
    use += column.why.empty() ? "" : " (" + column.why + ")";
    by_use[use].push_back(name);
  }
  for (const auto& [use, names] : by_use) {
    std::string text = std::to_string(names.size()) + (names.size() == 1 ? " column " : " columns ") + use + ": ";
    for (std::size_t i = 0; i < std::min(n_shown, names.size()); ++i) {
      text += (i > 0 ? ", " : "") + printable(names[i]);
    }
    sentences.push_back(text + (names.size() > n_shown ? ", …" : ""));
  }
  return sentences;
}

}  // namespace meha
