// SPDX-License-Identifier: MIT
#include "meha/core/options.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "meha/core/edit_distance.hpp"

namespace meha {
namespace {

std::string_view last_part(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

/// Whether the run itself chooses a value in place of this one.
bool is_open(const OptionInfo& info, const std::string& value) {
  return info.on_resume == OnResume::Chosen && value == "auto";
}

}  // namespace

std::vector<OptionDifference> compare(const Options& before, const Options& after) {
  Options was = before;
  Options now = after;
  was.problem.add(after.problem.sections());
  was.algorithm.add(after.algorithm.sections());
  now.problem.add(before.problem.sections());
  now.algorithm.add(before.algorithm.sections());
  std::map<std::string, std::string> values;
  std::map<std::string, Schedule> schedules;
  visit(was, [&](const OptionInfo& info, const auto& value) {
    values[info.name] = toml(value);
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      schedules[info.name] = value;
    }
  });
  std::vector<OptionDifference> differences;
  visit(now, [&](const OptionInfo& info, const auto& value) {
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      if (agrees(schedules[info.name], value)) {
        return;
      }
    }
    if constexpr (std::same_as<decltype(value), const std::string&>) {
      if (is_open(info, value)) {
        return;
      }
    }
    if (const std::string text = toml(value); text != values[info.name]) {
      differences.push_back({info.name, info.free_on_resume(), values[info.name], text});
    }
  });
  return differences;
}

void adopt_chosen(const Options& chosen, Options& options) {
  std::map<std::string, Schedule> schedules;
  std::map<std::string, std::string> texts;
  visit(chosen, [&](const OptionInfo& info, const auto& value) {
    if constexpr (std::same_as<decltype(value), const Schedule&>) {
      schedules[info.name] = value;
    } else if constexpr (std::same_as<decltype(value), const std::string&>) {
      texts[info.name] = value;
    }
  });
  visit(options, [&](const OptionInfo& info, auto& value) {
    if constexpr (std::same_as<decltype(value), Schedule&>) {
      value = value.is_open() ? schedules[info.name] : value;
    } else if constexpr (std::same_as<decltype(value), std::string&>) {
      if (is_open(info, value) && texts.contains(info.name)) {
        value = texts[info.name];
      }
    }
  });
}

namespace {

/// The table of the config file that so many parts of a key name, or the whole key.
std::string first_parts(const std::string& name, std::ptrdiff_t n_parts) {
  std::size_t end = 0;
  for (std::ptrdiff_t part = 0; part < n_parts && end != std::string::npos; ++part) {
    end = name.find('.', end + (part > 0 ? 1 : 0));
  }
  return name.substr(0, end);
}

}  // namespace

std::vector<std::string> nearest_option_names(const Options& options, const std::string& name) {
  std::vector<std::pair<std::size_t, std::string>> scored;
  visit(options, [&](const OptionInfo& info, const auto&) {
    const std::size_t whole = edit_distance(name, info.name);
    const std::size_t part = edit_distance(last_part(name), last_part(info.name)) + 1;
    const std::size_t table = edit_distance(name, first_parts(info.name, std::ranges::count(name, '.') + 1));
    scored.emplace_back(std::min({whole, part, table}), info.name);
  });
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < 3; ++i) {
    nearest.push_back(scored[i].second);
  }
  return nearest;
}

}  // namespace meha
