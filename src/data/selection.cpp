// SPDX-License-Identifier: MIT
#include "meha/data/selection.hpp"

#include <algorithm>
#include <unordered_map>

#include "meha/data/row_source.hpp"

namespace meha {
namespace {

/// Who takes a row of a table: which selections, and as which of their rows.
class Takers {
 public:
  Takers(std::span<const Selection* const> selections, const Table& table) {
    const auto is_of_table = [&](const Selection* selection) {
      return selection->table.get() == &table && selection->n_rows() > 0;
    };
    Index end = 0;
    for (const Selection* selection : selections) {
      end = is_of_table(selection) ? std::max(end, std::ranges::max(selection->rows) + 1) : end;
    }
    first_.resize(static_cast<std::size_t>(end));
    for (std::size_t which = 0; which < selections.size(); ++which) {
      for (Index place = 0; is_of_table(selections[which]) && place < selections[which]->n_rows(); ++place) {
        add(selections[which]->rows[static_cast<std::size_t>(place)], {.which = which, .place = place});
      }
    }
  }
  /// Behind the last row that anybody takes.
  [[nodiscard]] Index end() const { return std::ssize(first_); }
  /// @param rows  before end()
  [[nodiscard]] bool take_any(Range rows) const {
    return std::any_of(first_.begin() + rows.begin, first_.begin() + rows.end,
                       [](const Taker& taker) { return taker.place >= 0; });
  }
  /// Calls see(which, place) for every taker of a row.
  template <class See>
  void of(Index row, See&& see) const {
    const Taker& first = first_[static_cast<std::size_t>(row)];
    if (first.place >= 0) {
      see(first.which, first.place);
    }
    if (!others_.empty()) {
      const auto [begin, end] = others_.equal_range(row);
      std::for_each(begin, end, [&](const auto& other) { see(other.second.which, other.second.place); });
    }
  }

 private:
  struct Taker {
    std::size_t which : 8 = 0;
    Index place : 56 = -1;
  };

  void add(Index row, Taker taker) {
    Taker& first = first_[static_cast<std::size_t>(row)];
    if (first.place < 0) {
      first = taker;
    } else {
      others_.emplace(row, taker);
    }
  }

  std::vector<Taker> first_;
  std::unordered_multimap<Index, Taker> others_;  // of rows that are taken more than once
};

}  // namespace

void for_each_row(std::span<const Selection* const> selections,
                  const std::function<void(std::size_t which, Index place, std::span<const std::byte> features)>& see,
                  const std::function<void()>& after_band) {
  std::vector<const Table*> seen;
  for (const Selection* selection : selections) {
    const Table* table = selection->table.get();
    if (table == nullptr || std::ranges::find(seen, table) != seen.end()) {
      continue;
    }
    seen.push_back(table);
    const Takers takers(selections, *table);
    for_each_band(
        *table, takers.end(), [&](Range rows) { return takers.take_any(rows); },
        [&](Range rows, const Table& band, Index first) {
          for (Index row = rows.begin; row < rows.end; ++row) {
            takers.of(row, [&](std::size_t which, Index place) { see(which, place, band.row(row - first)); });
          }
          after_band();
        });
  }
}

}  // namespace meha
