// SPDX-License-Identifier: MIT
// What the values of a column are, seen one after the other: numbers, dates, gaps and others, with their moments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "meha/data/cell.hpp"

namespace meha {

/// What stands in a column of the training file.
class ColumnFacts {
 public:
  /// @param counts_values  whether how often each value occurs is counted, for a category
  explicit ColumnFacts(bool counts_values) : counts_values_(counts_values) {}
  /// @param line  of the file, for messages
  void add(std::string_view value, Index line);

  [[nodiscard]] Index n_valued() const { return n_ - n_gaps; }
  [[nodiscard]] bool counts_values() const { return counts_values_; }
  /// Whether dates as 27/11/2026 begin with their day: without one that tells, they begin with the month.
  [[nodiscard]] bool dates_begin_with_day() const { return n_numbers == 0 && n_day_first_only > 0; }
  [[nodiscard]] Real mean() const { return moments().mean(); }
  [[nodiscard]] Real deviation() const { return moments().deviation(); }
  /// Returns the largest number in absolute value, of dates that of days.
  [[nodiscard]] Real largest() const { return moments().largest; }
  /// Returns the line of a number beside which the differences of all others vanish; nothing where there is none.
  [[nodiscard]] std::optional<Index> outlier_line() const {
    return moments().has_outlier() ? std::optional(moments().largest_line) : std::nullopt;
  }
  [[nodiscard]] bool is_constant() const { return is_constant_ && moments().is_constant; }
  /// Whether every number is the one before and 1.
  [[nodiscard]] bool is_consecutive() const { return numbers_.is_consecutive && n_numbers == n_; }
  /// At most most_values + 1 of them, of not much more than most_value_bytes.
  [[nodiscard]] const std::unordered_map<std::string, Index>& values() const { return values_; }

  static constexpr std::size_t most_values = 20000;
  static constexpr std::size_t most_strays = 3;
  static constexpr std::size_t most_value_bytes = std::size_t{16} << 20U;
  Index n_gaps = 0, n_numbers = 0, n_dates = 0, n_others = 0;
  Index n_slashed = 0, n_day_first_only = 0, n_month_first_only = 0;  // dates whose order must be, or can be, told
  Index n_with_comma = 0, n_with_point = 0;                           // numbers
  Index n_with_three = 0;                                             // numbers with three digits behind their comma
  Index n_wordless = 0;                               // others that have digits and no letters: "$3", "12:51"
  Index n_words = 0;                                  // of what is neither number nor date
  std::vector<std::pair<std::string, Index>> strays;  // the first of what is neither number nor date, and their lines

 private:
  /// Moments of numbers. The one that is largest in absolute value is kept apart, for it may be a typing error.
  struct Moments {
    void add(Real value, Index line);
    [[nodiscard]] Real mean() const;
    [[nodiscard]] Real deviation() const;
    /// Whether the largest is so far from the others that their differences vanish beside it.
    [[nodiscard]] bool has_outlier() const;

    Index n = 0, largest_line = 0;
    Real first = 0, largest = 0;         // largest: the absolute value
    Real far = 0;                        // the difference of the largest from `first`
    Real sum = 0, square = 0, last = 0;  // of the others' differences from `first`
    bool is_constant = true, is_consecutive = true;
  };
  void add_day(const CellDay& day, Index line);
  [[nodiscard]] const Moments& moments() const { return dates_begin_with_day() ? day_first_ : numbers_; }

  bool counts_values_;
  Index n_ = 0;
  Moments numbers_, day_first_;  // dates that may begin with either are in both, as what the name says
  bool is_constant_ = true;      // the others
  std::string first_text_;
  std::size_t n_value_bytes_ = 0;
  std::unordered_map<std::string, Index> values_;
};

}  // namespace meha
