// SPDX-License-Identifier: MIT
#include "meha/data/cell.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::size_t longest_number = 40;

/// Cuts a whole number of `least` to `most` digits off. @return -1 when there is none
int take_digits(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t n = 0;
  int value = 0;
  while (n < text.size() && n < most && text[n] >= '0' && text[n] <= '9') {
    value = 10 * value + (text[n++] - '0');
  }
  text.remove_prefix(n);
  return n < least ? -1 : value;
}

bool take(std::string_view& text, char c) {
  const bool is_there = text.starts_with(c);
  text.remove_prefix(is_there ? 1 : 0);
  return is_there;
}

/// The fraction of a day of "08:15", "08:15:30", "08:15:30.5", with Z, +01:00 or PM behind it.
std::optional<Real> time_of(std::string_view text) {
  int hours = take_digits(text, 1, 2);
  if (hours < 0 || hours > 24 || !take(text, ':')) {
    return std::nullopt;
  }
  const int minutes = take_digits(text, 2, 2);
  int seconds = 0;
  if (take(text, ':')) {
    seconds = take_digits(text, 2, 2);
    if (take(text, '.')) {
      (void)take_digits(text, 0, longest_number);
    }
  }
  if (hours >= 1 && hours <= 12 && (text == " AM" || text == " PM")) {
    hours = hours % 12 + (text == " PM" ? 12 : 0);
    text = {};
  }
  const bool ends = text.empty() || text == "Z" || text[0] == '+' || text[0] == '-';
  if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60 || !ends) {
    return std::nullopt;
  }
  return (hours + (minutes + seconds / 60.0) / 60.0) / 24.0;
}

/// Returns the days since 1970-01-01. @param part  of the day    @return nothing where there is no such day
std::optional<Real> day_of(int year, int month, int day, Real part) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  return date.ok() ? std::optional(static_cast<Real>(std::chrono::sys_days(date).time_since_epoch().count()) + part)
                   : std::nullopt;
}

constexpr std::size_t digits_at_once = 8;
constexpr std::size_t most_digits = 15;
constexpr std::array<std::uint64_t, digits_at_once + 1> shifts = {1,      10,      100,      1000,     10000,
                                                                  100000, 1000000, 10000000, 100000000};
constexpr std::array<Real, most_digits + 1> powers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/// Reads the last n of eight bytes as digits, all at once, in a 64-bit word. @return whether all are digits
/// Source: Lemire, Software: Practice and Experience 51 (2021), doi.org/10.1002/spe.2984, section 6.
bool last_digits(const char* eight, std::size_t n, std::uint64_t& value) {
  constexpr std::uint64_t zeros = 0x3030303030303030;
  constexpr std::uint64_t high_halves = 0xf0f0f0f0f0f0f0f0;
  constexpr std::uint64_t mask = 0x000000ff000000ff;
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);  // the first byte is the lowest
  if (n < digits_at_once) {
    word = word >> 8 * (digits_at_once - n) << 8 * (digits_at_once - n) | zeros >> 8 * n;
  }
  if (((word & high_halves) | ((word + 0x0606060606060606) & high_halves) >> 4) != 0x3333333333333333) {
    return false;
  }
  word -= zeros;
  word = word * 10 + (word >> 8);  // two digits in every second byte
  constexpr std::uint64_t of_first = 100 + (std::uint64_t{1000000} << 32);
  constexpr std::uint64_t of_second = 1 + (std::uint64_t{10000} << 32);
  value = ((word & mask) * of_first + (word >> 16 & mask) * of_second) >> 32;
  return true;
}

/// Returns a number such as -12.345 of at most 15 digits, as std::from_chars() does and faster: the digits as a whole number
/// and the power of ten are both exact in float64, so their quotient is the nearest number.
/// Source: Clinger, PLDI 1990, doi.org/10.1145/93542.93557
/// @param value  set    @return whether it is such a number; an optional would have to be copied, which takes as long
bool short_decimal(std::string_view text, Real& value) {
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative ? 1 : 0);
  std::uint64_t digits = 0;
  std::size_t at = 0;
  const auto take_until = [&](std::size_t end) {
    for (; at < end && text[at] >= '0' && text[at] <= '9'; ++at) {
      digits = 10 * digits + static_cast<std::uint64_t>(text[at] - '0');
    }
  };
  take_until(std::min(text.size(), most_digits + 1));
  const std::size_t n_before = at;
  const std::size_t n_decimals = at < text.size() && text[at] == '.' ? text.size() - ++at : 0;
  const std::size_t n_digits = n_before + n_decimals;
  if (n_digits == 0 || n_digits > most_digits || at + n_decimals != text.size()) {
    return false;
  }
  const std::size_t n_at_once = text.size() < digits_at_once ? 0 : std::min(n_decimals, digits_at_once);
  take_until(text.size() - n_at_once);
  std::uint64_t rest = 0;
  if (at + n_at_once != text.size() ||
      (n_at_once > 0 && !last_digits(text.data() + text.size() - digits_at_once, n_at_once, rest))) {
    return false;
  }
  value = static_cast<Real>(digits * shifts[n_at_once] + rest) / powers[n_decimals];
  value = is_negative ? -value : value;
  return true;
}

}  // namespace

bool is_gap(std::string_view value) {
  constexpr std::array gaps = {"na", "n/a", "#n/a", "nan", "null", "none", "?", "."};
  constexpr std::size_t longest = 4;
  return value.empty() || (value.size() <= longest && std::ranges::find(gaps, lower_case(value)) != gaps.end());
}

std::optional<Real> number_of_cell(std::string_view value, bool& has_comma) {
  has_comma = false;
  if (value.empty() || static_cast<unsigned char>(value[0]) > '9') {  // words, nan and inf begin with letters
    return std::nullopt;
  }
  Real number = 0;
  if (short_decimal(value, number)) {
    return number;
  }
  const auto parse = [&](std::string_view text) {
    text.remove_prefix(text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
  };
  if (parse(value)) {
    return number;
  }
  const std::size_t comma = value.find(',');
  if (comma == std::string_view::npos || value.size() > longest_number || value.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  std::array<char, longest_number> text{};
  std::ranges::copy(value, text.begin());
  text.at(comma) = '.';
  has_comma = true;
  return parse({text.data(), value.size()}) ? std::optional(number) : std::nullopt;
}

CellDay day_of_cell(std::string_view value) {
  constexpr std::size_t shortest = 8;
  if (value.size() < shortest || value[0] < '0' || value[0] > '9') {
    return {};
  }
  const bool has_slashes = value[1] == '/' || value[2] == '/';
  const bool begins_with_year = !has_slashes && (value[4] == '-' || value[4] == '/');
  const char separator = begins_with_year ? value[4] : has_slashes ? '/' : '.';
  const int first = take_digits(value, 1, begins_with_year ? 4 : 2);
  const bool one = take(value, separator);
  const int second = take_digits(value, 1, 2);
  const bool two = take(value, separator);
  const int last = take_digits(value, begins_with_year ? 1 : 4, begins_with_year ? 2 : 4);
  if (first < 0 || !one || second < 0 || !two || last < 0) {
    return {};
  }
  Real part = 0;
  if (!value.empty()) {
    const auto time = take(value, ' ') || take(value, 'T') ? time_of(value) : std::nullopt;
    if (!time) {
      return {};
    }
    part = *time;
  }
  if (begins_with_year) {
    const auto day = day_of(first, second, last, part);
    return {.month_first = day, .day_first = day};
  }
  const auto day_first = day_of(last, second, first, part);
  return {.month_first = has_slashes ? day_of(last, first, second, part) : day_first, .day_first = day_first};
}

bool looks_like_number(std::string_view value) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return std::ranges::any_of(value, is_digit) && std::ranges::none_of(value, is_letter);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

std::string printable(std::string_view text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f) {
      (shown += "\\x").append({digits[byte >> 4U], digits[byte & 15U]});
    } else if (is_c1) {
      shown += "\\x";
      const auto code = static_cast<unsigned char>(text[++i]);
      shown.append({digits[code >> 4U], digits[code & 15U]});
    } else {
      shown += text[i];
    }
  }
  return shown;
}

std::vector<std::string> cells_in(std::string_view text) {
  std::vector<std::string> cells;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (cells.empty()) {
      cells.emplace_back();
    }
    const bool is_doubled = is_quoted && text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"';
    if (is_doubled) {
      cells.back() += text[i++];
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (text[i] == ',' && !is_quoted) {
      cells.emplace_back();
    } else {
      cells.back() += text[i];
    }
  }
  return cells;
}

std::string csv_cell(std::string_view text) {
  const bool is_formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos && !is_number(text);
  std::string cell = is_formula ? "'" : "";
  bool needs_quotes = false;
  for (const char c : text) {
    needs_quotes = needs_quotes || c == ',' || c == '"' || c == '\n' || c == '\r' || c == ';' || c == '\t';
    cell += c == '"' ? "\"\"" : std::string(1, c);
  }
  return needs_quotes ? "\"" + cell + "\"" : cell;
}

}  // namespace meha
