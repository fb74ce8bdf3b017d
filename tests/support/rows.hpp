// SPDX-License-Identifier: MIT
// Rows of every kind that are a function of their number, and files of them.
#pragma once

#include <gtest/gtest.h>

#include "meha/core/random.hpp"
#include "meha/data/rows_writer.hpp"
#include "support/scratch.hpp"

namespace meha {

inline constexpr Index n_row_features = 5;

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// Rows [first, first + n) of an endless table.
inline Table rows_from(Index first, Index n, Storage stored) {
  Table table;
  table.n_rows = n;
  table.n_features = n_row_features;
  table.element = in_memory(stored);
  std::vector<std::uint8_t> small;
  std::vector<float> floats;
  std::vector<Entry> entries;
  table.first_entry = stored == Storage::Sparse ? std::vector<Index>{0} : std::vector<Index>{};
  for (Index i = first; i < first + n; ++i) {
    for (Index j = 0; j < n_row_features; ++j) {
      const Index value = random_below(256, 1, Stream::Own, j, i);
      small.push_back(static_cast<std::uint8_t>(value));
      floats.push_back(static_cast<float>(value) / 8);
      if (value < 100) {
        entries.push_back({static_cast<std::uint32_t>(j), floats.back()});
      }
    }
    if (stored == Storage::Sparse) {
      table.first_entry.push_back(static_cast<Index>(entries.size()));
    }
    table.ids.push_back(1000 - i);
    table.labels.push_back(static_cast<Label>(i % 3));
    table.truth.push_back(static_cast<Label>(i % 2));
  }
  table.features = stored == Storage::UInt8    ? bytes_of(small)
                   : stored == Storage::Sparse ? bytes_of(entries)
                                               : bytes_of(floats);
  return table;
}

inline RowsFormat format_of(Storage stored) {
  return {.stored = stored,
          .n_features = n_row_features,
          .block_rows = 8,
          .has_truth = true,
          .has_ids = true,
          .class_names = {"a", "b", "c"},
          .shuffle_seed = 7,
          .recipe = "test"};
}

inline constexpr Storage all_kinds[] = {Storage::UInt8, Storage::Float16, Storage::Float32, Storage::Sparse};

class RowsTest : public testing::Test {
 protected:
  /// Writes the rows in bands. @return the fingerprint
  std::string write(Storage stored, const std::vector<Index>& bands, const std::string& name = "a.h5") const {
    RowsWriter writer(scratch.file(name), format_of(stored));
    for (const Index n : bands) {
      const Index first = writer.n_rows();
      writer.append(rows_from(first, n, stored));
    }
    return writer.finish();
  }
  static void expect_rows(const RowsFile& file, Range rows, Storage stored) {
    const Table expected = rows_from(rows.begin, rows.size(), stored);
    const Table found = file.read(rows);
    EXPECT_EQ(found.features, expected.features) << name_of(stored);
    EXPECT_EQ(found.first_entry, expected.first_entry);
    EXPECT_EQ(found.labels, expected.labels);
    EXPECT_EQ(found.truth, expected.truth);
    EXPECT_EQ(file.ids(rows), expected.ids);
  }

  Scratch scratch;
  const std::string path = scratch.file("a.h5");
};

}  // namespace meha
