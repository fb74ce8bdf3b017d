// SPDX-License-Identifier: MIT
#include "meha/data/external_shuffle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/scratch.hpp"

namespace meha {
namespace {

/// Row i is i bytes modulo 7 entries long (sparse), or holds i.
class Numbered : public RowSource {
 public:
  Numbered(Index n_rows, bool sparse, bool with_truth = false)
      : n_rows_(n_rows), sparse_(sparse), with_truth_(with_truth) {}
  Table read(Index n) override {
    Table table;
    table.element = sparse_ ? Storage::Sparse : Storage::Float32;
    table.n_features = sparse_ ? 7 : 1;
    std::vector<Entry> entries;
    std::vector<float> values;
    for (table.first_entry.push_back(0); table.n_rows < n && next_ < n_rows_; ++table.n_rows, ++next_) {
      const auto value = static_cast<float>(next_);
      values.push_back(value);
      for (std::uint32_t j = 0; j < next_ % 7; ++j) {
        entries.push_back({j, value});
      }
      table.first_entry.push_back(static_cast<Index>(entries.size()));
      table.labels.push_back(static_cast<Label>(next_ % 5));
      if (with_truth_) {
        table.truth.push_back(static_cast<Label>(next_ % 3));
      }
    }
    const auto bytes = sparse_ ? std::as_bytes(std::span(entries)) : std::as_bytes(std::span(values));
    table.features.assign(bytes.begin(), bytes.end());
    if (!sparse_) {
      table.first_entry.clear();
    }
    return table;
  }
  [[nodiscard]] Real part_read() const override { return 0; }

 private:
  Index n_rows_, next_ = 0;
  bool sparse_, with_truth_;
};

std::vector<Index> order_of(RowSource& rows, Index band) {
  std::vector<Index> ids;
  for (Table table = rows.read(band); table.n_rows > 0; table = rows.read(band)) {
    ids.insert(ids.end(), table.ids.begin(), table.ids.end());
  }
  return ids;
}

TEST(ExternalShuffle, IsAnOrderOfAllRowsThatTheSeedAloneDecides) {
  const Scratch scratch;
  constexpr Index n = 3000;
  const auto order = [&](Index seed, Index memory, Index band, const std::string& name) {
    return order_of(*shuffled_rows(std::make_unique<Numbered>(n, false),
                                   {.seed = seed, .memory = memory, .folder = scratch.file(name), .recipe = "r"}),
                    band);
  };
  const auto first = order(1, 1 << 20, 100, "a");
  EXPECT_EQ(first, order(1, 600, 7, "b"));       // files are dealt again, and again
  EXPECT_EQ(first, order(1, 1 << 20, 11, "a"));  // dealt files are used again
  EXPECT_NE(first, order(2, 1 << 20, 100, "c"));
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Index> all(n);
  std::iota(all.begin(), all.end(), Index{0});
  EXPECT_EQ(sorted, all);
}

TEST(ExternalShuffle, RowsStayWhole) {
  const Scratch scratch;
  const auto rows = shuffled_rows(std::make_unique<Numbered>(200, true), {.folder = scratch.file("a"), .recipe = "r"});
  for (Table table = rows->read(30); table.n_rows > 0; table = rows->read(30)) {
    for (std::size_t i = 0; i < table.ids.size(); ++i) {
      const Index id = table.ids[i];
      EXPECT_EQ(table.labels[i], id % 5);
      const auto bytes = table.row(static_cast<Index>(i));
      ASSERT_EQ(bytes.size(), static_cast<std::size_t>(id % 7) * sizeof(Entry));
      if (!bytes.empty()) {
        EXPECT_EQ(reinterpret_cast<const Entry*>(bytes.data())->value, static_cast<float>(id));
      }
    }
  }
}

TEST(ExternalShuffle, TruthStaysWithItsRow) {
  const Scratch scratch;
  for (const char* pass : {"dealt anew", "dealt files are used again"}) {
    const auto rows = shuffled_rows(std::make_unique<Numbered>(1000, false, true),
                                    {.memory = 600, .folder = scratch.file("a"), .recipe = "r"});
    const Table table = rows->read(all_rows);
    ASSERT_EQ(table.truth.size(), 1000U) << pass;
    for (std::size_t i = 0; i < table.ids.size(); ++i) {
      EXPECT_EQ(table.truth[i], table.ids[i] % 3) << pass;
    }
  }
}

}  // namespace
}  // namespace meha
