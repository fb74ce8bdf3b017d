// SPDX-License-Identifier: MIT
#include "meha/data/text_number.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace meha {
namespace {

constexpr std::string_view blanks = " \t\r\f\v";

/// from_chars knows no plus sign.
std::string_view without_plus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+' ? text.substr(1) : text;
}

/// @return whether all of the text was read (also when the number is out of range)
bool parse(std::string_view text, Real& value, std::errc& error) {
  text = without_plus(text);
  const auto [end, what] = std::from_chars(text.data(), text.data() + text.size(), value);
  error = what;
  return what != std::errc::invalid_argument && end == text.data() + text.size();
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 40;
  constexpr const char* digits = "0123456789abcdef";
  std::string shown = "\"";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      shown += c;
    } else {
      (shown += "\\x").append({digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return shown + (text.size() > most ? "…\"" : "\"");
}

bool is_number(std::string_view text) {
  Real value = 0;
  std::errc error{};
  return parse(text, value, error);
}

std::optional<Index> whole_number(std::string_view text) {
  text = without_plus(text);
  Index value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<Real> finite_number(std::string_view text, std::string& why) {
  Real value = 0;
  std::errc error{};
  if (!parse(text, value, error)) {
    why = text.empty() ? "is empty: missing values must be filled in first" : "is not a number";
  } else if (error == std::errc::result_out_of_range) {
    why = "is outside the range of numbers";
  } else if (!std::isfinite(value)) {
    why = "is not a finite number: missing values must be filled in first";
  } else {
    return value;
  }
  return std::nullopt;
}

std::optional<float> finite_float(std::string_view text, std::string& why) {
  const auto value = finite_number(text, why);
  if (value && std::fabs(*value) > std::numeric_limits<float>::max()) {
    why = "is too large for float32";
    return std::nullopt;
  }
  return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
}

std::vector<std::byte> as_bytes_of(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  if (!values.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

}  // namespace meha
