// SPDX-License-Identifier: MIT
#include "meha/data/block_stream.hpp"

#include <fstream>

#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

constexpr Index n_in_file = 100;

class BlockStreamTest : public RowsTest {
 protected:
  /// Whether the stream hands out rows [first_row + 16·block, …) of the file for these blocks, asked for in this order.
  void expect_blocks(BlockStream& stream, const BlockPlan& plan, Index first_row, Stored stored,
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
  for (const Stored stored : {Stored::UInt8, Stored::Float16, Stored::Float32}) {
    std::filesystem::remove(path);
    write(stored, {n_in_file});
    for (const Index first_row : {0, 8, 19}) {
      const BlockPlan plan{.n_rows = n_in_file - first_row - 1, .block_rows = 16};
      BlockStream stream(RowsFile(path).on_disk(), plan, first_row, 1);
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

TEST_F(BlockStreamTest, DamageIsRememberedNotThrown) {
  write(Stored::UInt8, {n_in_file});
  const BlockPlan plan{.n_rows = n_in_file, .block_rows = 8};
  const auto rows = RowsFile(path).on_disk();
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(rows.chunks[5].offset + 7);
  file.put('\x55');
  file.close();
  BlockStream stream(rows, plan, 0, 1);
  expect_blocks(stream, plan, 0, Stored::UInt8, {3, 4});
  EXPECT_FALSE(stream.failure());
  EXPECT_EQ(*stream.features(5), std::byte{0});
  EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data,
                    {path, "rows 40 to 47", "block 5", "damaged", "checksum"}));
  expect_blocks(stream, plan, 0, Stored::UInt8, {6});
}

TEST_F(BlockStreamTest, FileThatEndsEarlyIsAFailure) {
  write(Stored::Float32, {n_in_file});
  const auto rows = RowsFile(path).on_disk();
  std::filesystem::resize_file(path, static_cast<std::uintmax_t>(rows.chunks[2].offset + 3));
  BlockStream stream(rows, {.n_rows = n_in_file, .block_rows = 8}, 0, 1);
  (void)stream.features(2);
  EXPECT_TRUE(fails([&] { throw Error(*stream.failure()); }, ExitCode::Data, {path, "rows 16 to 23", "file ends"}));
}

TEST_F(BlockStreamTest, FilesOfOtherLayoutsAreRefused) {
  write(Stored::Sparse, {n_in_file});
  EXPECT_TRUE(fails([&] { (void)RowsFile(path).on_disk(); }, ExitCode::Data, {path, "sparse"}));
}

}  // namespace
}  // namespace meha
