// SPDX-License-Identifier: MIT
#include "meha/solver/state.hpp"

#include <algorithm>
#include <utility>

#include "meha/core/error.hpp"

namespace meha {

Vec& State::add(std::string name, bool per_row, Index size, Index ahead) {
  fields_.push_back({std::move(name), per_row, Vec::Zero(size), ahead});
  return fields_.back().values;
}

bool State::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
}

const Field& State::field(std::string_view name) const {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  require(at != fields_.end(), "a State field is used only after it was added");
  return *at;
}

const Vec& State::operator[](std::string_view name) const {
  return field(name).values;
}

Vec& State::operator[](std::string_view name) {
  return const_cast<Vec&>(std::as_const(*this)[name]);
}

}  // namespace meha
