// SPDX-License-Identifier: MIT
// Looks entries up in a table of what has a name: problems, algorithms, data formats.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"

namespace meha {

/// Returns the entry of this name; null where there is none.
template <class Info>
const Info* find_entry(std::span<const Info> table, const std::string& name) {
  const auto at = std::ranges::find(table, name, &Info::name);
  return at != table.end() ? &*at : nullptr;
}

/// Returns the entry that `option` = `name` asks for. Errors: Error(Config), which lists all names, where there is none.
template <class Info>
const Info& entry_of(std::span<const Info> table, const std::string& option, const std::string& name) {
  if (const Info* entry = find_entry(table, name)) {
    return *entry;
  }
  std::string known;
  for (const Info& info : table) {
    known += (known.empty() ? "" : "|") + info.name;
  }
  throw Error(ExitCode::Config, option + " = " + toml(name) + ": must be one of " + known);
}

}  // namespace meha
