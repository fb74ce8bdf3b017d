// SPDX-License-Identifier: MIT
#include "meha/core/options.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

namespace meha {
namespace {

/// Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

template <class Value>
std::string toml_list(const std::vector<Value>& values) {
  std::string list = "[";
  for (const auto& value : values) {
    list += (list.size() > 1 ? ", " : "") + toml(value);
  }
  return list + "]";
}

}  // namespace

std::string Rule::text() const {
  const auto number = [](Real v) {
    std::string s = shortest(v);
    return s.ends_with(".0") ? s.substr(0, s.size() - 2) : s;
  };
  switch (kind) {
    case Kind::Any:
      return "";
    case Kind::Positive:
      return "must be > 0";
    case Kind::AtLeast:
      return "must be >= " + number(low);
    case Kind::Between:
      return "must be >= " + number(low) + " and < " + number(high);
    case Kind::OneOf:
      return std::string("must be one of ") + choices;
  }
  return "";
}

bool Rule::allows(Real value) const {
  switch (kind) {
    case Kind::Positive:
      return value > 0 && value <= std::numeric_limits<Real>::max();
    case Kind::AtLeast:
      return value >= low && value <= std::numeric_limits<Real>::max();
    case Kind::Between:
      return value >= low && value < high;
    default:
      return true;
  }
}

bool Rule::allows(const std::string& value) const {
  if (kind != Kind::OneOf) {
    return true;
  }
  const std::string all = std::string("|") + choices + "|";
  return value.find('|') == std::string::npos && all.find("|" + value + "|") != std::string::npos;
}

std::string toml(const std::string& value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      quoted += code;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string toml(const Path& value) {
  return toml(value.value);
}

std::string toml(const std::vector<std::string>& values) {
  return toml_list(values);
}

std::string toml(const std::vector<Index>& values) {
  return toml_list(values);
}

std::string toml(Index value) {
  return std::to_string(value);
}

std::string toml(bool value) {
  return value ? "true" : "false";
}

std::string toml(Real value) {
  return shortest(value);
}

std::string toml(const Schedule& value) {
  return value.toml();
}

std::string toml(const Count& value) {
  const std::string n = toml(value.n);
  return value.in_passes ? "\"" + n + (value.n == 1 ? " pass\"" : " passes\"") : n;
}

std::vector<OptionDifference> compare(const Options& before, const Options& after) {
  std::map<std::string, std::string> values;
  std::map<std::string, Schedule> schedules;
  visit(before, [&](const OptionInfo& info, const auto& value) {
    values[info.name] = toml(value);
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      schedules[info.name] = value;
    }
  });
  std::vector<OptionDifference> differences;
  visit(after, [&](const OptionInfo& info, const auto& value) {
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      if (agrees(schedules[info.name], value)) {
        return;
      }
    }
    if constexpr (std::same_as<decltype(value), const std::string&>) {
      if (&value == &after.problem.model && value == "auto") {
        return;
      }
    }
    if (const std::string now = toml(value); now != values[info.name]) {
      differences.push_back({info.name, info.free_on_resume, values[info.name], now});
    }
  });
  return differences;
}

void adopt_chosen(const Options& chosen, Options& options) {
  std::map<std::string, Schedule> schedules;
  visit(chosen, [&](const OptionInfo& info, const auto& value) {
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      schedules[info.name] = value;
    }
  });
  visit(options, [&](const OptionInfo& info, auto& value) {
    if constexpr (std::same_as<decltype(value), Schedule&>) {
      value = value.is_open() ? schedules[info.name] : value;
    }
  });
  if (options.problem.model == "auto") {
    options.problem.model = chosen.problem.model;
  }
}

std::vector<std::string> nearest_option_names(const std::string& name) {
  std::vector<std::pair<std::size_t, std::string>> scored;
  const Options defaults;
  visit(defaults, [&](const OptionInfo& info, const auto&) {
    const std::size_t whole = edit_distance(name, info.name);
    const std::size_t part = edit_distance(last_part(name), last_part(info.name)) + 1;
    scored.emplace_back(std::min(whole, part), info.name);
  });
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < 3; ++i) {
    nearest.push_back(scored[i].second);
  }
  return nearest;
}

}  // namespace meha
