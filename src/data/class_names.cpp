// SPDX-License-Identifier: MIT
#include "meha/data/class_names.hpp"

#include <algorithm>
#include <set>

#include "meha/data/text_number.hpp"

namespace meha {

void number_by_name(Table& table, const std::vector<std::string>& names) {
  if (!table.labels_are_names || table.class_names == names) {
    return;
  }
  std::vector<Label> number_of;
  for (const std::string& name : table.class_names) {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) {
      throw Error(ExitCode::Data, table.name + ": the label " + in_quotes(name) +
                                      " is not among the class names of the run (" + in_quotes(names.front()) +
                                      ", …): labels that are names are found by them");
    }
    number_of.push_back(static_cast<Label>(at - names.begin()));
  }
  for (auto* labels : {&table.labels, &table.truth}) {
    for (Label& label : *labels) {
      label = number_of[static_cast<std::size_t>(label)];
    }
  }
  table.class_names = names;
}

void unite_classes(std::span<Table> tables, const std::vector<std::string>& wanted) {
  std::vector<std::string> names = wanted;
  if (std::ranges::all_of(names, &std::string::empty)) {
    names.clear();
  }
  for (const Table& table : tables) {
    if (names.empty() && !table.labels_are_names) {
      names = table.class_names;
    }
  }
  const auto named = std::ranges::find_if(tables, &Table::labels_are_names);
  const auto numbered = std::ranges::find_if_not(tables, &Table::labels_are_names);
  if (names.empty() && named != tables.end() && numbered != tables.end()) {
    throw Error(ExitCode::Data,
                named->name + ": its labels are names (" + in_quotes(named->class_names.front()) +
                    ", …), but those of " + numbered->name +
                    " are numbers: which number is which class must be said by problem.data.class_names");
  }
  if (names.empty()) {
    std::set<std::string> all;
    for (const Table& table : tables) {
      all.insert(table.class_names.begin(), table.class_names.end());
    }
    names.assign(all.begin(), all.end());
  }
  for (Table& table : tables) {
    number_by_name(table, names);
  }
}

}  // namespace meha
