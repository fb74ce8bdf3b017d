// SPDX-License-Identifier: MIT
// Long, because what is seen of a column, what it is taken for and where its features stand belong together.
#include "meha/data/columns.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "meha/core/error.hpp"
#include "meha/core/option.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr std::size_t most_one_hot = 100;
constexpr Index hashed_categories = 1024;
constexpr Index most_dense_features = 4096, most_dense_hashed = 1024;

constexpr std::array<std::pair<const char*, ColumnKind>, 6> kinds = {{{"number", ColumnKind::Number},
                                                                      {"raw", ColumnKind::Raw},
                                                                      {"date", ColumnKind::Date},
                                                                      {"category", ColumnKind::Category},
                                                                      {"text", ColumnKind::Text},
                                                                      {"ignore", ColumnKind::Ignore}}};

bool is_number_kind(ColumnKind kind) {
  return kind == ColumnKind::Number || kind == ColumnKind::Raw || kind == ColumnKind::Date;
}

/// Whether a column's name says that it numbers the rows.
bool names_row_numbers(const std::string& name) {
  const std::string lower = lower_case(name);
  return lower == "unnamed: 0" || lower == "index" || lower == "id" || lower == "row" || lower.ends_with("_id") ||
         lower.ends_with(" id");
}

std::string strays_text(const ColumnFacts& facts) {
  std::string text;
  for (const auto& [value, line] : facts.strays) {
    text += (text.empty() ? "" : ", ") + in_quotes(value) + " in line " + std::to_string(line);
  }
  return text + (facts.n_others > std::ssize(facts.strays) ? ", …" : "");
}

/// What a column is whose values are not all numbers or all dates.
ColumnKind kind_of_words(const ColumnFacts& facts, std::string& why) {
  constexpr Index few_rows = 20;
  constexpr Real words_of_text = 2.5;
  const auto n_different = std::ssize(facts.values());
  const bool many_differ = facts.n_valued() >= few_rows && 2 * n_different > facts.n_valued();
  const bool is_long = static_cast<Real>(facts.n_words) >= words_of_text * static_cast<Real>(facts.n_others);
  if (is_long && n_different > few_rows) {
    return ColumnKind::Text;
  }
  if (many_differ || n_different > static_cast<std::ptrdiff_t>(ColumnFacts::most_values)) {
    if (facts.n_words > facts.n_others + facts.n_others / 2) {
      return ColumnKind::Text;
    }
    why = "nearly every row has a value of its own, as in an id";
    return ColumnKind::Ignore;
  }
  return ColumnKind::Category;
}

ColumnKind kind_of_facts(const std::string& name, const std::string& key, const ColumnFacts& facts,
                         const std::string& place, std::string& why) {
  constexpr Index few_rows = 10;
  if (is_own_column(name)) {
    why = "holds results of an earlier run";
    return ColumnKind::Ignore;
  }
  if (facts.n_valued() == 0) {
    why = "is empty";
    return ColumnKind::Ignore;
  }
  if (facts.n_numbers == facts.n_valued()) {
    if (facts.is_consecutive() && facts.n_valued() >= few_rows && (name.empty() || names_row_numbers(name))) {
      why = "numbers the rows";
      return ColumnKind::Ignore;
    }
    if (const auto line = facts.outlier_line()) {
      why = "a typing error, or a mark of what is missing? beside the number in line " + std::to_string(*line) +
            " all others are alike";
    }
    return ColumnKind::Number;
  }
  if (facts.n_dates == facts.n_valued()) {
    if (facts.n_slashed > 0 && facts.n_day_first_only == 0 && facts.n_month_first_only == 0) {
      why = "taken to begin with their month: no value tells";
    }
    return ColumnKind::Date;
  }
  const bool nearly_numbers = 2 * facts.n_numbers > facts.n_valued();
  if (nearly_numbers || 2 * facts.n_dates > facts.n_valued()) {
    throw Error(ExitCode::Data, place + strays_text(facts) + (facts.n_others == 1 ? " is" : " are") + " not a " +
                                    (nearly_numbers ? "number" : "date") + ", as the other " +
                                    std::to_string(facts.n_valued() - facts.n_others) +
                                    " values are: mend the file, or say what the column is with "
                                    "problem.data.columns, {" +
                                    toml(key) + " = \"" + (nearly_numbers ? "number" : "date") +
                                    "\"} to take them for missing" +
                                    (facts.n_others == 1 && facts.strays[0].second == 1
                                         ? "; or does line 1 name the columns (problem.data.header = \"true\")?"
                                         : ""));
  }
  const ColumnKind kind = kind_of_words(facts, why);
  if (2 * facts.n_wordless > facts.n_others && (kind != ColumnKind::Category || facts.values().size() > most_one_hot)) {
    throw Error(ExitCode::Data, place + strays_text(facts) +
                                    ": look like numbers, dates or times in a form that is not read: write them "
                                    "as 1234.5 or 2026-11-27, or say what the column is with "
                                    "problem.data.columns, {" +
                                    toml(key) + " = \"ignore\"} or \"category\"");
  }
  return kind;
}

}  // namespace

ColumnKind kind_of_column(const std::string& name) {
  for (const auto& [text, kind] : kinds) {
    if (name == text) {
      return kind;
    }
  }
  throw Error(ExitCode::Config, "problem.data.columns: " + toml(name) + ": must be one of " + column_kinds);
}

const char* name_of(ColumnKind kind) {
  for (const auto& [text, of] : kinds) {
    if (of == kind) {
      return text;
    }
  }
  return "auto";
}

bool is_own_column(std::string_view name) {
  return name.starts_with("meha_");
}

Column column_of(const std::string& name, const std::string& key, const ColumnFacts& facts, ColumnKind asked,
                 bool may_have_decimal_comma, const std::string& place) {
  Column column{.name = name};
  column.kind = asked == ColumnKind::Auto ? kind_of_facts(name, key, facts, place, column.why) : asked;
  const bool is_number = is_number_kind(column.kind);
  if (is_number && facts.n_numbers + facts.n_dates == 0) {
    throw Error(ExitCode::Data, place + "no value is a " + name_of(column.kind) + ", as problem.data.columns says; " +
                                    strays_text(facts));
  }
  constexpr Real largest_float = std::numeric_limits<float>::max();
  if (is_number && facts.largest() > largest_float) {
    throw Error(ExitCode::Data, place + "its largest number is " + toml(facts.largest()) +
                                    ", too large for float32: a typing error, or a mark of what is missing? Leave the "
                                    "cell empty, or say what the column is with problem.data.columns, {" +
                                    toml(key) + " = \"ignore\"}");
  }
  const bool may_be_thousands = facts.n_with_three == facts.n_with_comma && facts.n_with_comma < facts.n_numbers;
  if (is_number && facts.n_with_comma > 0 && (!may_have_decimal_comma || facts.n_with_point > 0 || may_be_thousands)) {
    throw Error(ExitCode::Data,
                place +
                    "some numbers have a comma: as it may stand before decimals or between thousands, write "
                    "numbers without it, with a point before decimals");
  }
  if (column.kind == ColumnKind::Date && facts.n_day_first_only > 0 && facts.n_month_first_only > 0) {
    throw Error(ExitCode::Data, place + std::to_string(facts.n_day_first_only) + " dates begin with their day and " +
                                    std::to_string(facts.n_month_first_only) +
                                    " with their month: write all of them as 2026-11-27");
  }
  column.has_decimal_comma = facts.n_with_comma > 0;
  column.dates_begin_with_day = facts.dates_begin_with_day();
  column.is_asked = asked != ColumnKind::Auto;
  column.has_gaps = facts.n_gaps > 0 || (is_number && facts.n_others > 0);
  if (column.kind == ColumnKind::Raw && column.has_gaps) {
    throw Error(ExitCode::Data, place + std::to_string(facts.n_gaps + facts.n_others) +
                                    " values are missing, which a column that is \"raw\" must not have");
  }
  column.mean = facts.mean();
  column.scale = facts.is_constant() || facts.deviation() == 0 ? 1 : facts.deviation();
  if (column.kind == ColumnKind::Category && facts.values().size() <= most_one_hot) {
    for (const auto& [value, n] : facts.values()) {
      column.categories.push_back(value);
    }
    std::ranges::sort(column.categories);
  }
  if (facts.is_constant() && facts.n_gaps == 0 && column.kind != ColumnKind::Ignore) {
    column.why = "is the same in all rows";
  }
  return column;
}

namespace {

/// Whether numbers are of order one as they stand: none is large, columns are of similar scales, and most do not lie far
/// from 0 for their spread.
bool are_of_order_one(const std::vector<Column>& columns, const std::vector<ColumnFacts>& facts) {
  constexpr Real large = 30;
  constexpr Real far = 5;  // deviations
  constexpr Real scales_differ = 1000;
  Real smallest = large;
  Real largest = 0;
  Index n_varying = 0;
  Index n_far = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ColumnFacts& seen = facts[i];
    if (columns[i].kind != ColumnKind::Number) {
      continue;
    }
    if (seen.largest() > large) {
      return false;
    }
    if (!seen.is_constant()) {
      ++n_varying;
      n_far += std::fabs(seen.mean()) > far * seen.deviation() ? 1 : 0;
      smallest = std::min(smallest, seen.largest());
      largest = std::max(largest, seen.largest());
    }
  }
  return 2 * n_far <= n_varying && largest <= scales_differ * smallest;
}

}  // namespace

void TableColumns::lay_out(const std::vector<ColumnFacts>& facts, bool keeps_scales) {
  bool all_raw = keeps_scales || are_of_order_one(columns, facts);
  for (const Column& column : columns) {
    all_raw = all_raw && (column.kind == ColumnKind::Ignore || column.kind == ColumnKind::Raw ||
                          (column.kind == ColumnKind::Number && !column.has_gaps && !column.is_asked));
  }
  n_features = 0;
  bool any_hashed = false;
  for (Column& column : columns) {
    column.first_feature = n_features;
    if (column.kind == ColumnKind::Number && all_raw) {
      column.kind = ColumnKind::Raw;
    }
    switch (column.kind) {
      case ColumnKind::Category:
        column.n_features = column.categories.empty() ? hashed_categories : std::ssize(column.categories);
        any_hashed = any_hashed || column.categories.empty();
        break;
      case ColumnKind::Text:
        column.n_features = 0;
        for (const float rarity : column.rarity) {
          column.place_of.push_back(static_cast<std::uint32_t>(column.n_features));
          column.n_features += rarity > 0 ? 1 : 0;
        }
        any_hashed = true;
        break;
      case ColumnKind::Auto:
      case ColumnKind::Ignore:
        column.n_features = 0;
        break;
      case ColumnKind::Number:
      case ColumnKind::Raw:
      case ColumnKind::Date:
        column.n_features = column.has_gaps ? 2 : 1;
    }
    n_features += column.n_features;
  }
  is_sparse = !all_raw && n_features > (any_hashed ? most_dense_hashed : most_dense_features);
}

}  // namespace meha
