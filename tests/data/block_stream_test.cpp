// SPDX-License-Identifier: MIT
#include "meha/data/block_stream.hpp"

#include <fstream>
#include <numeric>

#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

constexpr Index n_in_file = 100;

class BlockStreamTest : public RowsTest {
 protected:
  std::unique_ptr<BlockReader> reader(const RowsOnDisk& rows, const BlockPlan& plan, Index first_row) const {
    const Range all{first_row, first_row + plan.n_rows};
    return std::make_unique<BlockReader>(
        rows, plan, first_row, Range{0, plan.n_rows},
        rows.stored == Storage::Sparse ? RowsFile(path).first_entries(all) : std::vector<Index>());
  }
  void damage(Index offset) const {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(offset);
    file.put('\x55');
  }
  /// Whether the stream hands out rows [first_row + 16·block, …) of the file for these blocks, asked for in this order.
  void expect_blocks(BlockStream& stream, const BlockPlan& plan, Index first_row, Storage stored,
                     const std::vector<Index>& blocks) const {
    for (const Index block : blocks) {
      const Range rows = plan.rows(block);
      const auto expected = rows_from(first_row + rows.begin, rows.size(), stored).features;
      const std::byte* found = stream.features(block);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found)) << name_of(stored) << ", block " << block;
      EXPECT_EQ(stream.at_hand(block), found);
      EXPECT_EQ(stream.features(block), found);
    }
  }
};

TEST_F(BlockStreamTest, BlocksComeAsTheyAreWhateverWasAnnounced) {
  for (const Storage stored : all_kinds) {
    std::filesystem::remove(path);
    write(stored, {n_in_file});
    for (const Index first_row : {0, 8, 19}) {
      const BlockPlan plan{.n_rows = n_in_file - first_row - 1, .block_rows = 16};
      BlockStream stream(reader(RowsFile(path).on_disk(), plan, first_row), 1);
      const auto expect = [&](const std::vector<Index>& blocks) { stream.expect(blocks); };
      const auto ask = [&](const std::vector<Index>& blocks) {
        expect_blocks(stream, plan, first_row, stored, blocks);
      };
      ask({3, 1});
      expect({0, 1, 2, 3, 4, 0, 1, 2, 3, 4});
      ask({0, 1, 2, 3, 4});
      expect({0, 1, 2, 3, 4, 2});
      ask({0, 1, 2, 3, 4});
      expect({2, 3, 2, 3});  // the 2 is on its way
      ask({2, 3});
      expect({4, 0});  // instead of what was announced
      ask({4, 0, 4});
      expect({1, 2, 3});
      ask({2, 0, 1});
      expect({1, 2});
      expect({});
      expect({1, 1, 1});
      ask({1});
      expect({1, 1});
      ask({1});
      EXPECT_FALSE(stream.failure());
    }
  }
}

TEST_F(BlockStreamTest, BuffersAreNoLargerThanTheSet) {
  write(Storage::UInt8, {n_in_file});  // in chunks of 8 rows
  const auto rows = RowsFile(path).on_disk();
  const auto chunks_of = [&](const BlockPlan& plan, Index first_row) {
    return (reader(rows, plan, first_row)->buffer_bytes() - 64) / (8 * n_row_features);
  };
  constexpr Index huge = Index{1} << 40;
  EXPECT_EQ(chunks_of({.n_rows = 100, .block_rows = 16}, 0), 2);
  EXPECT_EQ(chunks_of({.n_rows = 90, .block_rows = 16}, 3), 3);
  EXPECT_EQ(chunks_of({.n_rows = 20, .block_rows = huge}, 0), 3);
  EXPECT_EQ(chunks_of({.n_rows = 20, .block_rows = huge}, 3), 3);
  EXPECT_EQ(chunks_of({.n_rows = 22, .block_rows = huge}, 3), 4);
  const Range none{22, 22};
  EXPECT_EQ(BlockReader(rows, {.n_rows = 22, .block_rows = huge}, 3, none).buffer_bytes(), 64);
  const BlockPlan plan{.n_rows = 22, .block_rows = huge};
  BlockStream stream(reader(rows, plan, 3), 1);
  expect_blocks(stream, plan, 3, Storage::UInt8, {0});
  EXPECT_FALSE(stream.failure());
}

TEST_F(BlockStreamTest, DamageIsRememberedNotThrown) {
  write(Storage::UInt8, {n_in_file});
  const BlockPlan plan{.n_rows = n_in_file, .block_rows = 8};
  damage(RowsFile(path).on_disk().chunks[5].offset + 7);
  const auto rows = RowsFile(path).on_disk();
  BlockStream stream(reader(rows, plan, 0), 1);
  expect_blocks(stream, plan, 0, Storage::UInt8, {3, 4});
  EXPECT_FALSE(stream.failure());
  EXPECT_EQ(*stream.features(5), std::byte{0});
  EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data,
                    {path, "rows 40 to 47", "block 5", "damaged", "checksum"}));
  expect_blocks(stream, plan, 0, Storage::UInt8, {6});
}

TEST_F(BlockStreamTest, FileThatEndsEarlyIsAFailure) {
  write(Storage::Float32, {n_in_file});
  const auto rows = RowsFile(path).on_disk();
  BlockStream stream(reader(rows, {.n_rows = n_in_file, .block_rows = 8}, 0), 1);
  std::filesystem::resize_file(path, static_cast<std::uintmax_t>(rows.chunks[2].offset + 3));
  (void)stream.features(2);
  EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data, {path, "rows 16 to 23", "file ends"}));
}

TEST_F(BlockStreamTest, FileThatIsWrittenToIsAFailure) {
  for (const Storage stored : {Storage::UInt8, Storage::Sparse}) {
    std::filesystem::remove(path);
    write(stored, {n_in_file});
    const auto rows = RowsFile(path).on_disk();
    const BlockPlan plan{.n_rows = n_in_file, .block_rows = 8};
    BlockStream stream(reader(rows, plan, 0), 1);
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
    (void)stream.features(2);
    EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data, {path, "was written to"}));
    EXPECT_TRUE(fails([&] { (void)reader(rows, plan, 0); }, ExitCode::Data, {path, "was written to"}));
  }
}

TEST_F(BlockStreamTest, BlocksStillInBuffersAreNotReadAgain) {
  write(Storage::Sparse, {n_in_file});
  const BlockPlan plan{.n_rows = n_in_file, .block_rows = 16};
  BlockStream stream(reader(RowsFile(path).on_disk(), plan, 0), BlockStream::most_bytes);
  const std::vector<Index> twice = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6};
  stream.expect(twice);
  expect_blocks(stream, plan, 0, Storage::Sparse, twice);
  std::filesystem::resize_file(path, 100);
  expect_blocks(stream, plan, 0, Storage::Sparse, {6, 3, 0});
  stream.expect(twice);
  expect_blocks(stream, plan, 0, Storage::Sparse, twice);
  EXPECT_FALSE(stream.failure());
}

/// A file of `n_entries` for each row, in chunks of so many entries; what is wrong is put in place of one number.
class SparseFile {
 public:
  SparseFile(const std::string& path, const std::vector<Index>& n_entries, Index chunk) {
    std::vector<Index> first_entry = {0};
    Table table;
    for (const Index n : n_entries) {
      first_entry.push_back(first_entry.back() + n);
      for (Index i = 0; i < n; ++i) {
        features.push_back(static_cast<std::int32_t>(2 * i));
        values.push_back(static_cast<float>(features.size()));
      }
    }
    file_.emplace(Hdf5File::create(path, 0, ExitCode::Data));
    file_->create_group("/features");
    file_->set_attribute("/features", "n_features", n_features);
    add("/features/first_entry", Storage::Int64, first_entry, chunk);
    add("/labels", Storage::Int32, std::vector<Label>(n_entries.size()), chunk);
    chunk_ = chunk;
  }
  void close() {
    add("/features/feature", Storage::Int32, features, chunk_);
    add("/features/value", Storage::Float32, values, chunk_);
    file_->close();
  }
  static constexpr Index n_features = 4000;
  std::vector<std::int32_t> features;
  std::vector<float> values;

 private:
  template <class T>
  void add(const char* dataset, Storage type, const std::vector<T>& numbers, Index chunk) {
    file_->create_growing(dataset, type, {}, chunk);
    file_->append(dataset, static_cast<Index>(numbers.size()), type, numbers.data());
  }
  std::optional<Hdf5File> file_;
  Index chunk_ = 0;
};

TEST_F(BlockStreamTest, SparseBlocksOfAnySizeInChunksOfAnySize) {
  const std::vector<Index> sizes = {0, 3, 1, 0, 0, 0, 1500, 2, 7, 0, 1, 1, 40};
  for (const Index chunk : {1, 7, 64, 5000}) {
    std::filesystem::remove(path);
    SparseFile file(path, sizes, chunk);
    file.close();
    const Table all = RowsFile(path).read_features({0, 13});
    for (const Index block_rows : {1, 3, 13}) {
      const BlockPlan plan{.n_rows = 12, .block_rows = block_rows};
      BlockStream stream(reader(RowsFile(path).on_disk(), plan, 1), 1);
      std::vector<Index> blocks(static_cast<std::size_t>(plan.n_blocks()));
      std::iota(blocks.begin(), blocks.end(), Index{0});
      stream.expect(blocks);
      std::reverse(blocks.begin() + static_cast<std::ptrdiff_t>(blocks.size() / 2), blocks.end());
      for (const Index block : blocks) {
        const Range rows = plan.rows(block);
        const auto at = [&](Index row) {
          return all.first_entry[static_cast<std::size_t>(row + 1)] * bytes_per(Storage::Sparse);
        };
        const auto expected = slice(std::span(all.features), {at(rows.begin), at(rows.end)});
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), stream.features(block)))
            << chunk << " entries a chunk, block " << block << " of " << block_rows;
      }
      EXPECT_FALSE(stream.failure());
    }
  }
}

TEST_F(BlockStreamTest, SparseEntriesAreCheckedAsInMemory) {
  const auto wrong = [&](const std::function<void(SparseFile&)>& change, const std::vector<std::string>& words) {
    std::filesystem::remove(path);
    SparseFile file(path, {3, 2, 4}, 4);
    change(file);
    file.close();
    EXPECT_TRUE(fails([&] { (void)RowsFile(path).read_features({0, 3}); }, ExitCode::Data, words));
    BlockStream stream(reader(RowsFile(path).on_disk(), {.n_rows = 3, .block_rows = 2}, 0), 1);
    (void)stream.features(1);
    EXPECT_FALSE(stream.failure());
    (void)stream.features(0);
    EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data, words));
  };
  wrong([](SparseFile& file) { file.features[1] = 0; }, {path, "/features/feature = 0 in row 0", "ascend"});
  wrong([](SparseFile& file) { file.features[4] = 4000; }, {path, "/features/feature = 4000 in row 1", "0 to 3999"});
  wrong([](SparseFile& file) { file.features[3] = -1; }, {path, "/features/feature = -1 in row 1"});
  wrong([](SparseFile& file) { file.values[4] = std::numeric_limits<float>::infinity(); },
        {path, "/features/value of feature 2 in row 1", "not a finite number"});
}

TEST_F(BlockStreamTest, DamageInAChunkOfEntriesNamesThem) {
  write(Storage::Sparse, {n_in_file});
  damage(RowsFile(path).on_disk().value_chunks[0].offset + 7);
  const auto rows = RowsFile(path).on_disk();
  BlockStream stream(reader(rows, {.n_rows = n_in_file, .block_rows = 8}, 0), 1);
  (void)stream.features(5);
  EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data,
                    {path, "entries 0 to 16383 of /features/value", "block 0", "damaged", "checksum"}));
}

TEST_F(BlockStreamTest, FilesOfOtherLayoutsAreRefused) {
  SparseFile file(path, {3, 2, 4}, (Index{1} << 20) + 1);
  file.close();
  EXPECT_TRUE(fails([&] { (void)RowsFile(path).on_disk(); }, ExitCode::Data, {path, "chunks", "at most"}));
}

}  // namespace
}  // namespace meha
