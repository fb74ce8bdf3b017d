// SPDX-License-Identifier: MIT
#include "meha/core/option.hpp"

#include <algorithm>
#include <limits>

namespace meha {
namespace {

template <class Value>
std::string toml_list(const std::vector<Value>& values) {
  std::string list = "[";
  for (const auto& value : values) {
    list += (list.size() > 1 ? ", " : "") + toml(value);
  }
  return list + "]";
}

}  // namespace

void Sections::add(const std::vector<Section>& sections) {
  for (const Section& section : sections) {
    if (std::ranges::none_of(sections_, [&](const Section& there) { return there.is_like(section); })) {
      sections_.push_back(section.defaults());
    }
  }
}

std::vector<std::pair<OptionInfo, OptionValue>> Sections::in_order() {
  std::vector<std::pair<OptionInfo, OptionValue>> all;
  for (Section& section : sections_) {
    section.each([&](const OptionInfo& info, OptionValue value) { all.emplace_back(info, value); });
  }
  std::ranges::stable_sort(
      all, {}, [](const auto& entry) { return std::ranges::count(std::string_view(entry.first.name), '.'); });
  return all;
}

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

std::string toml(const Words& words) {
  std::string text;
  for (const auto& [name, word] : words) {
    text += (text.empty() ? "" : ", ") + toml(name) + " = " + toml(word);
  }
  return words.empty() ? "{}" : "{ " + text + " }";
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

}  // namespace meha
