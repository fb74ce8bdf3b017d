// SPDX-License-Identifier: MIT
#include "meha/data/row_source.hpp"

#include <algorithm>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr Index band_bytes = Index{4} << 20;

Index rows_of_band(const Table& table) {
  const Index n_rows = std::max<Index>(1, table.n_rows);
  const Index row_bytes = table.element == Element::Sparse
                              ? table.first_entry.back() / n_rows * bytes_per(Element::Sparse)
                              : table.row_bytes();
  return std::max<Index>(1, band_bytes / std::max<Index>(1, row_bytes));
}

}  // namespace

void for_each_band(const Table& table, Index n_rows, const std::function<bool(Range rows)>& is_wanted,
                   const std::function<void(Range rows, const Table& band, Index first)>& see) {
  const Index at_once = rows_of_band(table);
  const auto source = table.open_features ? table.open_features() : nullptr;
  for (Index first = 0; first < n_rows; first += at_once) {
    const Range rows{first, std::min(first + at_once, n_rows)};
    if (!source) {
      see(rows, table, 0);
      continue;
    }
    if (!is_wanted(rows)) {
      source->skip(rows.size());
      activity().beat();
      see({rows.end, rows.end}, table, 0);
      continue;
    }
    const Table band = source->read(rows.size());
    require(band.n_rows == rows.size(), "a source has as many rows as its file");
    check_values(band, first);
    activity().beat();
    see(rows, band, first);
  }
}

}  // namespace meha
