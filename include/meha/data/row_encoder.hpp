// SPDX-License-Identifier: MIT
// Features of the rows of a table, once it is known what its columns are (data/columns.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "meha/data/columns.hpp"

namespace meha {

/// Counts, over the rows of the training file, in how many a text column has each hashed feature.
class RarityCounter {
 public:
  void add(std::string_view text);
  [[nodiscard]] std::vector<float> rarity() const;

 private:
  std::vector<Index> n_rows_with_ = std::vector<Index>(hashed_text, 0);
  Index n_rows_ = 0;
  std::vector<std::uint32_t> grams_;
};

/// What happened to values when rows were encoded, for people.
struct Conversions {
  Index n_filled = 0;   // gaps in number columns
  Index n_unknown = 0;  // values of categories that the training file does not have
};

/// Turns the values of one row into features.
class RowEncoder {
 public:
  explicit RowEncoder(const TableColumns& table) : table_(table) {}
  /// Begins a row; cells may be set in any order.
  void begin();
  /// Sets the features of one column. @param place  among the columns
  /// @return what is wrong with the value; empty when nothing is
  std::string set(std::size_t place, std::string_view value);
  /// Appends the row. @param first_entry  where entries end, for sparse rows
  void append_to(Table& rows);
  [[nodiscard]] const Conversions& conversions() const { return conversions_; }

 private:
  void put(Index feature, Real value);
  std::string set_raw(const Column& column, std::string_view value);
  std::string set_number(const Column& column, std::string_view value);
  void set_category(const Column& column, std::string_view value);
  void set_text(const Column& column, std::string_view value);

  const TableColumns& table_;
  std::vector<float> dense_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> grams_;                    // of a text
  std::vector<std::pair<std::uint32_t, Real>> values_;  // of its features, by place
  Conversions conversions_;
};

}  // namespace meha
