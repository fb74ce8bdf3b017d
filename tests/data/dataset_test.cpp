// SPDX-License-Identifier: MIT
#include "meha/data/dataset.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "support/errors.hpp"

namespace meha {
namespace {

Table table_of(const std::vector<float>& values, Index n_features, const std::vector<Label>& labels) {
  Table table;
  table.name = "t.h5";
  table.n_rows = static_cast<Index>(labels.size());
  table.n_features = n_features;
  table.element = Storage::Float32;
  table.features.resize(values.size() * sizeof(float));
  std::memcpy(table.features.data(), values.data(), table.features.size());
  table.labels = labels;
  return table;
}

TEST(Table, HandsOutRows) {
  const Table table = table_of({1, 2, 3, 4, 5, 6}, 3, {0, 1});
  ASSERT_EQ(table.row(1).size(), 12U);
  float last = 0;
  std::memcpy(&last, table.row(1).data() + 8, sizeof last);
  EXPECT_EQ(last, 6);
}

TEST(Table, ChecksItsValues) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NO_THROW(check_values(table_of({1, 2, 3, 4}, 2, {0, 1})));
  EXPECT_TRUE(fails(
      [] {
        check_values(table_of({1, 2, 3, nan}, 2, {0, 1}));
      },
      ExitCode::Data, {"t.h5", "feature 1 of row 1"}));
  EXPECT_TRUE(fails(
      [] {
        check_values(table_of({1, 2, -std::numeric_limits<float>::infinity(), 4}, 2, {0, 1}));
      },
      ExitCode::Data, {"feature 0 of row 1"}));
  EXPECT_TRUE(fails([] { check_values(table_of({1, 2, 3, 4}, 2, {0, -1})); }, ExitCode::Data, {"label of row 1 = -1"}));
}

TEST(RowSet, AddressesRowsByTheirGlobalNumber) {
  for (const Storage element : {Storage::UInt8, Storage::Float32}) {
    RowSet set({.n_rows = 100, .block_rows = 10}, {30, 50}, 3, element);
    const Index row_bytes = 3 * bytes_per(element);
    EXPECT_EQ(set.feature_bytes({30, 50}).size(), static_cast<std::size_t>(20 * row_bytes));
    set.feature_bytes({42, 43})[0] = std::byte{7};
    set.labels({42, 43})[0] = 5;
    const Tile tile = set.tile({40, 50});
    EXPECT_EQ(tile.n_rows, 10);
    EXPECT_EQ(tile.n_features, 3);
    EXPECT_EQ(tile.element, element);
    EXPECT_EQ(tile.features[2 * row_bytes], std::byte{7});
    EXPECT_EQ(tile.labels[2], 5);
    EXPECT_EQ(tile.labels[1], 0);
  }
}

TEST(RowSet, ReadsAsZeroPastItsEnd) {
  const RowSet set({.n_rows = 2, .block_rows = 512}, {0, 2}, 5, Storage::UInt8);
  const Tile tile = set.tile({1, 2});
  for (int i = 0; i < 5 + 64; ++i) {
    EXPECT_EQ(tile.features[i], std::byte{0});
  }
}

TEST(RowSet, MayOwnNothing) {
  const RowSet set({.n_rows = 2, .block_rows = 512}, {2, 2}, 5, Storage::UInt8);
  EXPECT_TRUE(set.rows().empty());
  EXPECT_EQ(set.tile({2, 2}).n_rows, 0);
}

TEST(RowSet, HandsOutSparseTiles) {
  RowSet set({.n_rows = 10, .block_rows = 4}, {4, 8}, 100, Storage::Sparse, Targets::Classes, {0, 2, 2, 5, 6});
  const auto fill = [&](Range rows, const std::vector<Entry>& entries) {
    const auto bytes = set.feature_bytes(rows);
    ASSERT_EQ(bytes.size(), entries.size() * sizeof(Entry));
    std::memcpy(bytes.data(), entries.data(), bytes.size());
  };
  fill({4, 6}, {{3, 0.5F}, {99, 1}});
  fill({6, 8}, {{0, 2}, {1, 3}, {2, 4}, {50, 5}});
  const Tile tile = set.tile({5, 8});
  EXPECT_EQ(tile.n_rows, 3);
  EXPECT_EQ(tile.element, Storage::Sparse);
  EXPECT_TRUE(tile.entries(0).empty());
  ASSERT_EQ(tile.entries(1).size(), 3U);
  EXPECT_EQ(tile.entries(1)[2].feature, 2U);
  EXPECT_EQ(tile.entries(1)[2].value, 4);
  EXPECT_EQ(tile.entries(2)[0].feature, 50U);
  EXPECT_EQ(set.tile({4, 5}).entries(0)[1].feature, 99U);
}

TEST(RowSet, TakesInRowsThatWerePackedElsewhere) {
  for (const Storage element : {Storage::UInt8, Storage::Float32, Storage::Sparse}) {
    const bool sparse = element == Storage::Sparse;
    const BlockPlan plan{.n_rows = 10, .block_rows = 4};
    RowSet owner(plan, {4, 8}, 3, element, Targets::Classes,
                 sparse ? std::vector<Index>{0, 2, 2, 5, 6} : std::vector<Index>{});
    const auto bytes = owner.feature_bytes({4, 8});
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(i + 1);
    }
    for (Index row = 4; row < 8; ++row) {
      owner.labels({row, row + 1})[0] = static_cast<Label>(10 * row);
    }
    std::vector<std::byte> packed;
    owner.pack({4, 6}, packed);
    const std::size_t n_first = packed.size();
    owner.pack({6, 8}, packed);
    RowSet guest(plan, {0, 4}, 3, element, Targets::Classes,
                 sparse ? std::vector<Index>{0, 1, 1, 1, 1} : std::vector<Index>{});
    ASSERT_EQ(guest.take_in({4, 6}, packed), n_first);
    ASSERT_EQ(guest.take_in({6, 8}, std::span(packed).subspan(n_first)), packed.size() - n_first);
    for (const Range rows : {Range{4, 6}, {5, 6}, {6, 8}, {7, 8}}) {
      const Tile expected = owner.tile(rows);
      const Tile found = guest.tile(rows);
      ASSERT_EQ(found.n_rows, rows.size());
      EXPECT_EQ(found.n_features, 3);
      EXPECT_EQ(found.labels[0], expected.labels[0]);
      EXPECT_EQ(guest.upcoming(rows.begin), found.features);
      for (Index row = 0; row < rows.size() && sparse; ++row) {
        ASSERT_EQ(found.entries(row).size(), expected.entries(row).size());
      }
      const Index n_bytes = sparse ? std::ssize(std::as_bytes(std::span(expected.entries(0).data(),
                                                                        expected.entries(rows.size() - 1).data() +
                                                                            expected.entries(rows.size() - 1).size())))
                                   : rows.size() * 3 * bytes_per(element);
      EXPECT_EQ(std::memcmp(found.features, expected.features, static_cast<std::size_t>(n_bytes)), 0);
      for (int i = 0; i < 64 && rows.end == 8; ++i) {
        EXPECT_EQ(found.features[n_bytes + i], std::byte{0});
      }
    }
    EXPECT_EQ(guest.upcoming(9), nullptr);
    EXPECT_EQ(guest.tile({0, 4}).n_rows, 4) << "its own rows are there still";
    guest.dismiss(false);
    EXPECT_EQ(guest.tile({0, 1}).labels[0], 0);
  }
}

}  // namespace
}  // namespace meha
