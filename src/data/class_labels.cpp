// SPDX-License-Identifier: MIT
#include "meha/data/class_labels.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::size_t most_names = 1000;
constexpr Index few_labels = 10;

/// Returns the label as a whole number, "3.0" as 3.
std::optional<Index> whole_label(std::string_view value) {
  if (const auto whole = whole_number(value)) {
    return whole;
  }
  constexpr Real largest = 9e15;
  bool has_comma = false;
  const auto number = number_of_cell(value, has_comma);
  if (!number || has_comma || *number != std::floor(*number) || std::fabs(*number) > largest) {
    return std::nullopt;
  }
  return static_cast<Index>(*number);
}

/// Whether the numbers are 0, 1, … with few that do not occur.
bool are_nearly_dense(const std::map<Index, Index>& numbers) {
  constexpr Index few = 8;
  return numbers.begin()->first == 0 && numbers.rbegin()->first < 2 * std::ssize(numbers) + few;
}

}  // namespace

std::string LabelFacts::add(std::string_view value) {
  if (const auto known = n_names_.find(value); known != n_names_.end()) {
    ++known->second;
    return {};
  }
  if (const auto number = whole_label(value)) {
    ++n_numbers_[*number];
    return {};
  }
  bool has_comma = false;
  if (number_of_cell(value, has_comma)) {
    return "label " + in_quotes(value) +
           ": must be a class, that is a name or a whole number; is it the column that problem.data.label_column "
           "means?";
  }
  ++n_names_[std::string(value)];
  return {};
}

void LabelFacts::add(const LabelFacts& other) {
  for (const auto& [name, n] : other.n_names_) {
    n_names_[name] += n;
  }
  for (const auto& [number, n] : other.n_numbers_) {
    n_numbers_[number] += n;
  }
}

Index LabelFacts::n_different() const {
  return std::ssize(n_names_) + std::ssize(n_numbers_);
}

Index LabelFacts::n_rows() const {
  Index n = 0;
  for (const auto& [name, n_of_name] : n_names_) {
    n += n_of_name;
  }
  for (const auto& [number, n_of_number] : n_numbers_) {
    n += n_of_number;
  }
  return n;
}

ClassLabels::ClassLabels(const LabelFacts& facts, std::vector<std::string> class_names, const std::string& place) {
  const auto& numbers = facts.n_numbers_;
  if (const Index n = facts.n_different(); class_names.empty() && n > few_labels && 2 * n > facts.n_rows()) {
    throw Error(ExitCode::Data,
                place + std::to_string(n) + " different labels in " + std::to_string(facts.n_rows()) +
                    " rows: most rows have a class of their own, as in a column of ids; is it the column that "
                    "problem.data.label_column means? Where it is, name all classes in problem.data.class_names");
  }
  const auto too_many = [&](std::size_t n) {
    throw Error(ExitCode::Data, place + std::to_string(n) + " different labels: at most " + std::to_string(most_names) +
                                    " classes are expected; is it the column that problem.data.label_column means, or "
                                    "are they targets of a regression (problem.loss = \"squared\")?");
  };
  if (facts.n_names_.empty() && !numbers.empty()) {
    const Index n_named = std::ssize(class_names);
    const bool are_named = n_named > 0 && numbers.begin()->first >= 0 && numbers.rbegin()->first < n_named;
    if (are_named || (are_nearly_dense(numbers) && numbers.rbegin()->first < n_labels_allowed)) {
      names_ = std::move(class_names);
      return;
    }
  }
  are_class_numbers_ = false;
  std::vector<std::string> found;
  if (facts.n_names_.empty()) {
    for (const auto& [number, n] : numbers) {
      found.push_back(std::to_string(number));
    }
  } else {
    for (const auto& [name, n] : facts.n_names_) {
      found.push_back(name);
    }
    for (const auto& [number, n] : numbers) {
      found.push_back(std::to_string(number));
    }
    std::ranges::sort(found);
  }
  if (found.size() > most_names) {
    too_many(found.size());
  }
  names_ = class_names.empty() ? found : std::move(class_names);
  for (std::size_t k = 0; k < names_.size(); ++k) {
    class_of_name_[names_[k]] = static_cast<Label>(k);
    if (const auto number = whole_number(names_[k])) {
      class_of_number_[*number] = static_cast<Label>(k);
    }
  }
  for (const std::string& name : found) {
    if (class_of_name_.find(name) == class_of_name_.end()) {
      throw Error(ExitCode::Data, place + "a label is " + in_quotes(name) + ", which is not one of the " +
                                      std::to_string(names_.size()) + " class names (" + toml(names_[0]) + ", …)");
    }
  }
}

std::optional<Label> ClassLabels::class_of(std::string_view value) const {
  const auto number = whole_label(value);
  if (are_class_numbers_) {
    return number && *number >= 0 && *number < n_labels_allowed ? std::optional(static_cast<Label>(*number))
                                                                : std::nullopt;
  }
  if (number) {
    const auto at = class_of_number_.find(*number);
    return at == class_of_number_.end() ? std::nullopt : std::optional(at->second);
  }
  const auto at = class_of_name_.find(value);
  return at == class_of_name_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace meha
