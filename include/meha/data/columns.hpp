// SPDX-License-Identifier: MIT
// The columns of a table as people have it, and the features that a model gets of them. What a column is, is decided from
// all values of the training file, or said by the config (problem.data.columns):
//   number    (v − mean)/deviation, and 1 where v is missing, if any is (its number is 0 then)
//   raw       v as it stands; nothing may be missing
//   date      days since 1970, as a number; whether 3/4/2026 begins with its month or its day, its column tells
//   category  1 for the value that it has; more than 100 values share 1024 hashed features
//   text      words and runs of 3 or 4 characters, hashed to 16384 numbers; those that more than one row of the training
//             file has are features: their counts times log(rows/rows with it) + 1, of length 1 in a row
//   ignore    nothing
// A table of numbers only, without gaps and of order one (none above 30), keeps its numbers as they stand ("raw").
// Source: Weinberger, Dasgupta, Langford, Smola, Attenberg, ICML 2009, arXiv 0902.2206 (hashed features, without signs).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "meha/core/option.hpp"
#include "meha/data/column_facts.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// How many numbers the words and runs of a text are hashed to.
inline constexpr Index hashed_text = Index{1} << 14;

enum class ColumnKind : int { Auto, Number, Raw, Date, Category, Text, Ignore };
inline constexpr const char* column_kinds = "number|raw|date|category|text|ignore";
/// Errors: Error(Config) for a name that is not one of column_kinds.
ColumnKind kind_of_column(const std::string& name);
const char* name_of(ColumnKind kind);
/// Reads what a command line says of columns, NAME=KIND each. Errors: Error(Config).
Words column_kinds_of(const std::vector<std::string>& settings);

/// Whether a column holds results of this program, which must not become features.
bool is_own_column(std::string_view name);

/// A column of the training file and its features [first_feature, first_feature + n_features).
struct Column {
  std::string name = {};  // empty where the file has no header
  ColumnKind kind = ColumnKind::Auto;
  std::string why = {};  // the kind was chosen, for people; empty where nothing needs to be said
  bool has_decimal_comma = false;
  bool dates_begin_with_day = false;
  bool is_asked = false;  // the config says what the column is: what is no number, or no date, counts as missing
  bool has_gaps = false;  // in the training file: the last feature is 1 for a gap
  Real mean = 0, scale = 1;
  std::vector<std::string> categories = {};  // ascending; a category that is hashed has none
  std::vector<float> rarity = {};            // Text: (hashed_text), log(rows/rows with it) + 1; 0: no feature
  std::vector<std::uint32_t> place_of = {};  // Text: (hashed_text), place among the column's features
  Index first_feature = 0, n_features = 0;
};

/// Decides what a column is. @param key  by which problem.data.columns finds it: its name, or its number    @param asked  Auto: from the facts   @param may_have_decimal_comma  whether "1,5" may be a number
/// Errors: Error(Data) beginning with `place`, for a column that is neither one thing nor the other.
Column column_of(const std::string& name, const std::string& key, const ColumnFacts& facts, ColumnKind asked,
                 bool may_have_decimal_comma, const std::string& place);

/// All columns of a table but the labels.
struct TableColumns {
  std::vector<Column> columns;
  Index n_features = 0;
  bool is_sparse = false;

  /// Chooses scales and places of the features, and whether rows are sparse: where they have more than 1024 features and
  /// some are hashed, or more than 4096. The rarity of text must be set. @param facts  of each column
  /// @param keeps_scales  numbers stay as they stand, however different their scales, where nothing else is in the table
  void lay_out(const std::vector<ColumnFacts>& facts, bool keeps_scales);
};

/// All that is needed to make the same features of other rows, as JSON: {"n_features": …, "columns": [{"name", "kind",
/// "first_feature", "n_features", and what the kind has of "mean", "scale", "has_gaps", "decimal_comma", "day_first",
/// "categories", "rarity"}, …]}.
std::string json_of(const TableColumns& table);

/// What was made of the columns, a line for each kind that occurs, for people.
std::vector<std::string> sentences_of(const TableColumns& table);

}  // namespace meha
