// SPDX-License-Identifier: MIT
#include "meha/data/row_source.hpp"

#include <algorithm>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"
#include "meha/data/text_number.hpp"

namespace meha {
namespace {

constexpr Index band_bytes = Index{4} << 20;

Index rows_of_band(const Table& table) {
  const Index n_rows = std::max<Index>(1, table.n_rows);
  const Index row_bytes = table.element == Storage::Sparse
                              ? table.first_entry.back() / n_rows * bytes_per(Storage::Sparse)
                              : table.row_bytes();
  return std::max<Index>(1, band_bytes / std::max<Index>(1, row_bytes));
}

/// @param part  of all rows that is there afterwards, as far as is known: room is made for the others at once
template <class T>
void append(std::vector<T>& all, const std::vector<T>& more, Real part) {
  constexpr Real margin = 1.3;  // `part` is a guess; room that is not filled takes no memory
  const std::size_t n = all.size() + more.size();
  if (n > all.capacity()) {
    all.reserve(static_cast<std::size_t>(margin * static_cast<Real>(n) / std::clamp<Real>(part, 1e-6, 1)));
  }
  all.insert(all.end(), more.begin(), more.end());
}

void append(Table& all, const Table& more, Real part) {
  const Index n_entries = all.first_entry.empty() ? 0 : all.first_entry.back();
  append(all.features, more.features, part);
  append(all.labels, more.labels, part);
  append(all.numbers, more.numbers, part);
  append(all.truth, more.truth, part);
  append(all.ids, more.ids, part);
  append(all.lines, more.lines, part);
  append(all.notes, more.notes, 1);
  for (std::size_t i = 1; i < more.first_entry.size(); ++i) {
    all.first_entry.push_back(n_entries + more.first_entry[i]);
  }
  all.n_rows += more.n_rows;
}

void check_size(const Table& table, Index n_rows) {
  const Real bytes = table.element == Storage::Sparse
                         ? static_cast<Real>(table.features.size())
                         : static_cast<Real>(n_rows) * static_cast<Real>(table.row_bytes());
  if (bytes > static_cast<Real>(max_text_table_bytes)) {
    throw Error(ExitCode::Data, table.name + ": " + std::to_string(n_rows) + " rows of " +
                                    std::to_string(table.n_features) +
                                    " features are more than 4 GiB in memory: convert them to HDF5 (meha data import), "
                                    "leave problem.data.sparse = \"never\" out, or is an index damaged?");
  }
}

}  // namespace

Table read_all(RowSource& source) {
  constexpr Index few_rows = 64;  // they tell how long a row is
  Table all = source.read(few_rows);
  for (bool more = all.n_rows == few_rows; more;) {
    if (source.is_text()) {
      check_size(all, std::max(all.n_rows, source.n_rows().value_or(0)));
    }
    const Index n_rows = rows_of_band(all);
    const Table band = source.read(n_rows);
    more = band.n_rows == n_rows;
    const Index n_read = all.n_rows + band.n_rows;
    append(all, band,
           source.n_rows() ? static_cast<Real>(n_read) / static_cast<Real>(*source.n_rows()) : source.part_read());
  }
  return all;
}

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

std::string remark_on_bytes(const Table& table) {
  constexpr Index few_rows = 1024;
  if (table.element != Storage::UInt8) {
    return "";
  }
  const Table band = table.open_features ? table.open_features()->read(few_rows) : Table();
  const auto all = std::span<const std::byte>(table.open_features ? band.features : table.features);
  const auto first = all.first(std::min(all.size(), static_cast<std::size_t>(few_rows * table.row_bytes())));
  if (first.empty() || std::ranges::max(first) != std::byte{1}) {
    return "";
  }
  return table.name +
         ": the first rows' features are all 0 or 1 in uint8, where v stands for v/255: if they are no pixels, write "
         "them as float32 (in Python: features.astype(\"float32\"))";
}

}  // namespace meha
