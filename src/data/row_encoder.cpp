// SPDX-License-Identifier: MIT
#include "meha/data/row_encoder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "meha/data/cell.hpp"
#include "meha/data/text_number.hpp"
#include "meha/data/word_grams.hpp"

namespace meha {
namespace {

constexpr Real largest_float = std::numeric_limits<float>::max();

}  // namespace

void RarityCounter::add(std::string_view text) {
  ++n_rows_;
  word_grams(text, std::ssize(n_rows_with_), grams_);
  std::ranges::sort(grams_);
  grams_.erase(std::ranges::unique(grams_).begin(), grams_.end());
  for (const std::uint32_t gram : grams_) {
    ++n_rows_with_[gram];
  }
}

std::vector<float> RarityCounter::rarity() const {
  constexpr Index few_rows = 100;  // what one of them has may be all there is
  const Index least = n_rows_ < few_rows ? 1 : 2;
  std::vector<float> result;
  for (const Index n : n_rows_with_) {
    const Real share = static_cast<Real>(1 + n_rows_) / static_cast<Real>(1 + n);
    result.push_back(n < least ? 0 : static_cast<float>(std::log(share) + 1));
  }
  return result;
}

void RowEncoder::begin() {
  if (table_.is_sparse) {
    entries_.clear();
  } else {
    dense_.assign(static_cast<std::size_t>(table_.n_features), 0);
  }
}

void RowEncoder::put(Index feature, Real value) {
  if (!table_.is_sparse) {
    dense_[static_cast<std::size_t>(feature)] = static_cast<float>(value);
  } else if (value != 0) {
    entries_.push_back({static_cast<std::uint32_t>(feature), static_cast<float>(value)});
  }
}

std::string RowEncoder::set(std::size_t place, std::string_view value) {
  const Column& column = table_.columns[place];
  switch (column.kind) {
    case ColumnKind::Auto:
    case ColumnKind::Ignore:
      return {};
    case ColumnKind::Raw:
      return set_raw(column, value);
    case ColumnKind::Number:
    case ColumnKind::Date:
      return set_number(column, value);
    case ColumnKind::Category:
      set_category(column, value);
      return {};
    case ColumnKind::Text:
      set_text(column, value);
      return {};
  }
  return {};
}

std::string RowEncoder::set_raw(const Column& column, std::string_view value) {
  bool has_comma = false;
  const auto number = number_of_cell(value, has_comma);
  if (number && (!has_comma || column.has_decimal_comma) && std::fabs(*number) <= largest_float) {
    put(column.first_feature, *number);
    return {};
  }
  std::string why = "is not a number as those of the training file";
  (void)finite_float(value, why);
  return in_quotes(value) + " " + why;
}

std::string RowEncoder::set_number(const Column& column, std::string_view value) {
  bool has_comma = false;
  auto number = number_of_cell(value, has_comma);
  if (!number) {
    const CellDay day = day_of_cell(value);
    number = column.dates_begin_with_day ? day.day_first : day.month_first;
  }
  if (number && has_comma && !column.has_decimal_comma) {
    return in_quotes(value) + " has a comma, unlike the numbers of the training file";
  }
  if (!number && !column.is_asked && !is_gap(value)) {
    return in_quotes(value) + " is not a " + name_of(column.kind) + ", as the values of the training file are";
  }
  if (!number) {
    ++conversions_.n_filled;
    if (column.has_gaps) {
      put(column.first_feature + 1, 1);
    }
    return {};
  }
  const Real scaled = (*number - column.mean) / column.scale;
  if (std::fabs(scaled) > largest_float) {
    return in_quotes(value) + " is too large for float32";
  }
  put(column.first_feature, scaled);
  return {};
}

void RowEncoder::set_category(const Column& column, std::string_view value) {
  if (is_gap(value)) {
    return;
  }
  if (column.categories.empty()) {
    put(column.first_feature + hashed(value, column.n_features), 1);
    return;
  }
  const auto at = std::ranges::lower_bound(column.categories, value, std::less<>());
  if (at == column.categories.end() || *at != value) {
    ++conversions_.n_unknown;
  } else {
    put(column.first_feature + (at - column.categories.begin()), 1);
  }
}

void RowEncoder::set_text(const Column& column, std::string_view value) {
  word_grams(value, hashed_text, grams_);
  std::ranges::sort(grams_);
  values_.clear();
  Real square = 0;
  for (auto run = grams_.begin(); run != grams_.end();) {
    const auto end = std::find_if(run, grams_.end(), [&](std::uint32_t gram) { return gram != *run; });
    if (const Real v = static_cast<Real>(end - run) * column.rarity[*run]; v > 0) {
      values_.emplace_back(column.place_of[*run], v);
      square += v * v;
    }
    run = end;
  }
  for (const auto& [place, v] : values_) {
    put(column.first_feature + place, v / std::sqrt(square));
  }
}

void RowEncoder::append_to(Table& rows) {
  if (!table_.is_sparse) {
    const auto bytes = std::as_bytes(std::span(dense_));
    rows.features.insert(rows.features.end(), bytes.begin(), bytes.end());
    return;
  }
  std::ranges::sort(entries_, {}, &Entry::feature);
  const auto bytes = std::as_bytes(std::span(entries_));
  rows.features.insert(rows.features.end(), bytes.begin(), bytes.end());
  rows.first_entry.push_back(static_cast<Index>(rows.features.size() / sizeof(Entry)));
}

}  // namespace meha
