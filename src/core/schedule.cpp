// SPDX-License-Identifier: MIT
#include "meha/core/schedule.hpp"

#include <charconv>
#include <cmath>

#include "meha/core/power.hpp"

namespace meha {

Real Schedule::at(Index k, Index n_rows) const {
  switch (kind) {
    case Kind::Constant:
    case Kind::Auto:
    case Kind::Safe:
      return a;
    case Kind::Power:
      return a * meha::power(static_cast<Real>(k) / static_cast<Real>(in_passes ? per_pass : 1) + b, power);
    case Kind::PerRow:
      return a * static_cast<Real>(n_rows);
  }
  return a;
}

std::string Schedule::toml() const {
  switch (kind) {
    case Kind::Constant:
      return shortest(a);
    case Kind::Power:
      return "{a = " + shortest(a) + ", b = " + shortest(b) + ", power = " + shortest(power) +
             (in_passes ? ", unit = \"pass\"}" : "}");
    case Kind::PerRow:
      return "{per_row = " + shortest(a) + "}";
    case Kind::Auto:
      return is_open() ? "\"auto\"" : "{auto = " + shortest(a) + "}";
    case Kind::Safe:
      return is_open() ? "\"safe\"" : "{safe = " + shortest(a) + "}";
  }
  return {};
}

std::string shortest(Real value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string result(text, end);
  if (result.find_first_of(".einf") == std::string::npos) {
    result += ".0";
  }
  return result;
}

}  // namespace meha
