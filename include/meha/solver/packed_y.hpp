// SPDX-License-Identifier: MIT
// The numbers of y that take part in a pass: where y stands in columns (capabilities.hpp) and the rows of the pass reach few
// of them, the rest of y and then these columns, one after the other; else all of y as it stands.
#pragma once

#include "meha/comm/exact_sum.hpp"
#include "meha/problem/capabilities.hpp"

namespace meha {

class PackedY {
 public:
  /// Begins with no column, or with all (Columns::all). @return bits, to be set for columns that are reached
  std::span<std::uint64_t> begin(const Columns& layout, Index n_y);
  /// Fixes the columns: those whose bits are set; column 0 where no bit is set, so that a pass is never empty.
  void end();

  /// Whether y takes part as it stands.
  [[nodiscard]] bool is_whole() const { return layout_.n_columns == 0; }
  [[nodiscard]] std::span<const Index> columns() const { return columns_; }
  [[nodiscard]] Index size() const { return n_rest() + layout_.n_numbers * static_cast<Index>(columns_.size()); }

  /// Adds grad_y or hess_y of a block's share. @param columns  Share::columns
  void add(ExactSum& sum, Index offset, InSpan numbers, std::span<const std::uint32_t> columns, Real factor,
           int exponent) const;
  /// Adds grad_y or hess_y of add_whole(), which has all of y. Not whole: only with Columns::all.
  void add_whole(ExactSum& sum, Index offset, InSpan grad_y, Real factor, int exponent);
  /// Adds grad_y or hess_y of a block's share to all of y. Not while y takes part as it stands. @param columns  Share::columns
  void add_to(InSpan numbers, std::span<const std::uint32_t> columns, OutSpan y) const;
  /// Copies the numbers that take part into all of y; the others become 0.
  void read(const ExactSum& sum, Index offset, int exponent, OutSpan y);

 private:
  [[nodiscard]] Index n_rest() const { return n_y_ - layout_.n_numbers * layout_.n_columns; }
  /// Calls see(place in y, place in packed_) for every number that takes part.
  template <class See>
  void for_each(See&& see) const;

  Columns layout_;
  Index n_y_ = 0;
  std::vector<std::uint64_t> reached_;  // bits
  std::vector<Index> columns_;          // ascending
  std::vector<Real> packed_;            // scratch
};

}  // namespace meha
