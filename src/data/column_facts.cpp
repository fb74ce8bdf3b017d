// SPDX-License-Identifier: MIT
#include "meha/data/column_facts.hpp"

#include <algorithm>
#include <cmath>

namespace meha {

Real ColumnFacts::Moments::mean() const {
  return first + (sum + far) / static_cast<Real>(std::max<Index>(1, n));
}

Real ColumnFacts::Moments::deviation() const {
  const Real size = static_cast<Real>(std::max<Index>(1, n));
  const Real difference = (sum + far) / size;
  return std::sqrt(std::max(0.0, (square + far * far) / size - difference * difference));
}

bool ColumnFacts::Moments::has_outlier() const {
  constexpr Index least = 20;
  constexpr Real too_far = 1e4;  // deviations of the others
  const Real size = static_cast<Real>(n - 1);
  const Real variance = square / size - sum / size * (sum / size);
  return n >= least && variance > 0 && std::fabs(far - sum / size) > too_far * std::sqrt(variance);
}

void ColumnFacts::Moments::add(Real value, Index line) {
  if (n == 0) {
    first = value;
  } else if (n == 1 && std::fabs(value) < largest) {  // differences from an error would all be alike
    far = first - value;
    first = value;
    is_constant = false;
  }
  is_consecutive = is_consecutive && (n == 0 || value == last + 1);
  last = value;
  Real difference = value - first;
  is_constant = is_constant && difference == 0;
  if (std::fabs(value) > largest) {
    std::swap(far, difference);
    largest = std::fabs(value);
    largest_line = line;
  }
  if (n++ > 0) {
    sum += difference;
    square += difference * difference;
  }
}

void ColumnFacts::add_day(const CellDay& day, Index line) {
  ++n_dates;
  n_slashed += day.month_first != day.day_first ? 1 : 0;
  n_day_first_only += day.month_first ? 0 : 1;
  n_month_first_only += day.day_first ? 0 : 1;
  numbers_.add(day.month_first.value_or(day.day_first.value_or(0)), line);
  day_first_.add(day.day_first.value_or(day.month_first.value_or(0)), line);
}

void ColumnFacts::add(std::string_view value, Index line) {
  ++n_;
  bool has_comma = false;
  if (const auto number = number_of_cell(value, has_comma)) {
    numbers_.add(*number, line);
    ++n_numbers;
    n_with_comma += has_comma ? 1 : 0;
    n_with_three += has_comma && value.size() - value.find(',') == 4 ? 1 : 0;
    n_with_point += !has_comma && value.find('.') != std::string_view::npos ? 1 : 0;
  } else if (is_gap(value)) {
    ++n_gaps;
    return;
  } else if (const CellDay day = day_of_cell(value)) {
    add_day(day, line);
  } else {
    is_constant_ = is_constant_ && (n_others == 0 || value == first_text_);
    if (n_others++ == 0) {
      first_text_ = value;
    }
    n_words += 1 + std::ranges::count(value, ' ');
    n_wordless += looks_like_number(value) ? 1 : 0;
    if (strays.size() < most_strays) {
      strays.emplace_back(value, line);
    }
  }
  if (counts_values_ && values_.size() <= most_values && n_value_bytes_ <= most_value_bytes) {
    n_value_bytes_ += ++values_[std::string(value)] == 1 ? value.size() : 0;
  }
}

}  // namespace meha
