// SPDX-License-Identifier: MIT
#include "meha/problem/deal.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "meha/core/activity.hpp"
#include "meha/data/row_source.hpp"
#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

constexpr Index n_features = 3;

/// n rows of a table of 2n rows, last first; on rank 0 only.
Selection backwards(const Communicator& comm, Index n) {
  Selection selection;
  if (comm.is_root()) {
    auto table = std::make_shared<Table>();
    table->n_rows = 2 * n;
    table->n_features = n_features;
    table->element = Storage::UInt8;
    for (Index i = 0; i < 2 * n * n_features; ++i) {
      table->features.push_back(static_cast<std::byte>(i % 251));
    }
    for (Index i = 0; i < n; ++i) {
      selection.rows.push_back(2 * n - 1 - i);
      selection.labels.push_back(static_cast<Label>(i));
    }
    selection.table = table;
  }
  return selection;
}

TEST(DealMpi, EachRankGetsTheRowsOfItsBlocksInOrder) {
  Communicator comm = Communicator::world();
  std::vector<Index> weights(static_cast<std::size_t>(comm.size()), 1);
  for (const Index n : {1, 7, 8, 50}) {
    for (const Index block_rows : {1, 4, 64}) {
      weights[static_cast<std::size_t>(n % comm.size())] += 2;
      comm.set_weights(weights);
      const RowSet mine = deal_rows(comm, backwards(comm, n), block_rows);
      const BlockPlan plan{.n_rows = n, .block_rows = block_rows};
      EXPECT_EQ(mine.plan().n_rows, n);
      EXPECT_EQ(mine.n_features(), n_features);
      EXPECT_EQ(mine.rows(), comm.owned_rows(plan));
      Vec seen = Vec::Zero(n);
      Index n_wrong = 0;
      for (Index i = mine.rows().begin; i < mine.rows().end; ++i) {
        const Tile tile = mine.tile({i, i + 1});
        seen[i] += 1;
        n_wrong += tile.labels[0] != i ? 1 : 0;
        for (Index f = 0; f < n_features; ++f) {
          const Index stored = (2 * n - 1 - i) * n_features + f;
          n_wrong += std::to_integer<Index>(tile.features[f]) != stored % 251 ? 1 : 0;
        }
      }
      EXPECT_EQ(n_wrong, 0) << n << " rows in blocks of " << block_rows;
      comm.sum(as_span(seen));
      EXPECT_EQ(seen, Vec::Ones(n)) << n << " rows in blocks of " << block_rows;
    }
  }
}

class DealFileMpi : public RowsTest {
 protected:
  const Communicator comm = Communicator::world();
  DataOptions data;

  DealFileMpi() {
    shared_path_ = path;
    comm.broadcast(shared_path_);
    data.format = "hdf5";
    data.train_features.value = shared_path_;
    data.shuffle = false;
    data.n_train = 150;
    data.n_validation = 33;
    data.n_test = 17;
  }
  void write_file(Storage stored) {
    comm.root_or_none([&] {
      std::filesystem::remove(path);
      write(stored, {200});
    });
  }
  DealtRows deal(Index block_rows, Index memory) const {
    Split split;
    comm.root_or_none([&] { split = load_split(data, {}, 1, Targets::Classes, Features::InFile); });
    return deal_split(comm, split, block_rows, memory);
  }

 private:
  std::string shared_path_;  // of rank 0's scratch folder
};

TEST_F(DealFileMpi, RowsThatStayOnDiskAreTheSame) {
  for (const Storage stored : all_kinds) {
    write_file(stored);
    for (const Index block_rows : {8, 24}) {
      const DealtRows here = deal(block_rows, Index{1} << 20);
      const DealtRows there = deal(block_rows, 1);
      EXPECT_EQ(there.fingerprint, here.fingerprint);
      Index n_wrong = 0;
      for (const Level level : all_levels) {
        const RowSet& memory = here.rows[level];
        const RowSet& disk = there.rows[level];
        EXPECT_FALSE(memory.is_streamed());
        EXPECT_EQ(disk.is_streamed(), memory.plan().n_rows > 0);
        ASSERT_EQ(disk.rows(), memory.rows());
        for (Index i = memory.rows().begin; i < memory.rows().end; ++i) {
          const Tile a = memory.tile({i, i + 1});
          const Tile b = disk.tile({i, i + 1});
          const bool sparse = a.element == Storage::Sparse;
          const auto n_values = sparse ? static_cast<Index>(a.entries(0).size()) : n_row_features;
          const auto n_bytes = n_values * bytes_per(a.element);
          n_wrong += a.labels[0] != b.labels[0] || !std::equal(a.features, a.features + n_bytes, b.features) ? 1 : 0;
          n_wrong += sparse && b.entries(0).size() != a.entries(0).size() ? 1 : 0;
        }
      }
      EXPECT_EQ(n_wrong, 0);
    }
  }
}

TEST_F(DealFileMpi, RowsThatNeitherFitNorCanStayAreAnErrorOnAllRanks) {
  write_file(Storage::UInt8);
  const auto refused = [&](Index block_rows, const std::vector<std::string>& why) {
    EXPECT_TRUE(fails([&] { (void)deal(block_rows, 1); }, ExitCode::Data, why));
  };
  refused(12, {"problem.data.memory", "blocks of 8", "run.block_rows = 12"});
  data.shuffle = true;
  refused(8, {"problem.data.memory", "problem.data.shuffle = false"});
  write_file(Storage::Sparse);
  refused(8, {"problem.data.memory", "problem.data.shuffle = false"});
}

TEST_F(DealFileMpi, DamageIsFoundByTheReaderAndThrownByAll) {
  write_file(Storage::Float32);
  comm.root_or_none([&] {
    const auto chunk = RowsFile(path).feature_chunks()[20];
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(chunk.offset + 5);
    file.put('\x55');
  });
  EXPECT_TRUE(fails([&] { (void)deal(8, 0); }, ExitCode::Data, {"a.h5", "damaged"}));
}

/// A file of rows of 4 MiB: each is a band.
class LargeRows : public RowSource {
 public:
  static constexpr Index n_features = Index{4} << 20;
  Table read(Index n_rows) override {
    Table table;
    table.n_rows = n_rows;
    table.n_features = n_features;
    table.features.resize(static_cast<std::size_t>(n_rows * n_features));
    return table;
  }
  [[nodiscard]] Real part_read() const override { return 0; }
};

TEST(DealMpi, EveryBandIsASignOfLifeToAllRanks) {
  const Communicator comm = Communicator::world();
  constexpr std::uint64_t n_bands = 40;
  Selection one_row;
  if (comm.is_root()) {
    auto table = std::make_shared<Table>();
    table->n_rows = n_bands;
    table->n_features = LargeRows::n_features;
    table->open_features = [] { return std::make_unique<LargeRows>(); };
    one_row = {.table = table, .rows = {n_bands - 1}, .labels = {0}};
  }
  const std::uint64_t before = activity().beats;
  (void)deal_rows(comm, one_row, 1);
  EXPECT_GE(activity().beats - before, n_bands);
}

TEST(DealMpi, ValuesFollowTheirRows) {
  const Communicator comm = Communicator::world();
  const BlockPlan plan{.n_rows = 23, .block_rows = 4};
  std::vector<std::int16_t> all;
  if (comm.is_root()) {
    all.resize(23);
    std::iota(all.begin(), all.end(), std::int16_t{1000});
  }
  const auto mine = deal_values(comm, plan, all);
  const Range own = owned_rows(plan, comm.rank(), comm.size());
  std::vector<std::int16_t> expected(static_cast<std::size_t>(own.size()));
  std::iota(expected.begin(), expected.end(), static_cast<std::int16_t>(1000 + own.begin));
  EXPECT_EQ(mine, expected);
  EXPECT_TRUE(deal_values(comm, plan, std::vector<Index>()).empty());
}

TEST(DealMpi, NoRowsAtAllIsAnEmptySet) {
  const Communicator comm = Communicator::world();
  const RowSet mine = deal_rows(comm, {}, 512);
  EXPECT_TRUE(mine.rows().empty());
  EXPECT_EQ(mine.plan().n_blocks(), 0);
}

}  // namespace
}  // namespace meha
