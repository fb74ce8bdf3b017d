// SPDX-License-Identifier: MIT
#include "meha/data/rows_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "meha/data/hdf5_table.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

using RowsFileTest = RowsTest;

TEST_F(RowsFileTest, ComeBackAsTheyWereWritten) {
  for (const Storage stored : all_kinds) {
    std::filesystem::remove(path);
    const auto fingerprint = write(stored, {20, 3, 18});
    const RowsFile file(path);
    EXPECT_EQ(file.n_rows(), 41);
    EXPECT_EQ(file.n_features(), n_row_features);
    EXPECT_EQ(file.format().stored, stored);
    EXPECT_EQ(file.format().block_rows, stored == Storage::Sparse ? 0 : 8);
    EXPECT_EQ(file.format().class_names, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(file.format().shuffle_seed, 7);
    EXPECT_EQ(file.fingerprint(), fingerprint);
    for (const Range rows : {Range{0, 41}, {0, 1}, {40, 41}, {7, 30}, {19, 24}, {5, 5}}) {
      expect_rows(file, rows, stored);
    }
    EXPECT_EQ(read_hdf5_table(path, "").features, rows_from(0, 41, stored).features);
  }
}

TEST_F(RowsFileTest, ChunksAreWhereTheFileSays) {
  write(Storage::UInt8, {41});
  const auto chunks = RowsFile(path).feature_chunks();
  ASSERT_EQ(chunks.size(), 6U);
  const int descriptor = open(path.c_str(), O_RDONLY);
  for (std::size_t b = 0; b < chunks.size(); ++b) {
    EXPECT_EQ(chunks[b].size, 8 * n_row_features + 4);  // with fletcher32
    const Index n = b + 1 < chunks.size() ? 8 : 1;
    std::vector<std::byte> bytes(static_cast<std::size_t>(n * n_row_features));
    EXPECT_EQ(pread(descriptor, bytes.data(), bytes.size(), chunks[b].offset), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(bytes, rows_from(static_cast<Index>(b) * 8, n, Storage::UInt8).features);
  }
  close(descriptor);
}

TEST_F(RowsFileTest, PlainFilesAreValid) {
  Hdf5Writer(path)
      .add("/features", {2, 2, 2}, std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8})
      .add("/labels", {2}, std::vector<std::int64_t>{1, 0});
  const RowsFile file(path);
  EXPECT_EQ(file.n_features(), 4);
  EXPECT_EQ(file.format().block_rows, 0);
  EXPECT_FALSE(file.format().has_ids);
  EXPECT_EQ(file.fingerprint(), "");
  EXPECT_EQ(file.read({1, 2}).features, bytes_of(std::vector<float>{5, 6, 7, 8}));
  EXPECT_TRUE(fails([&] { (void)file.feature_chunks(); }, ExitCode::Data, {"chunks of whole rows"}));
}

TEST_F(RowsFileTest, DamageIsFoundWhenItIsRead) {
  write(Storage::UInt8, {41});
  const auto chunk = RowsFile(path).feature_chunks()[3];
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(chunk.offset + 5);
  file.put('\x55');
  file.close();
  EXPECT_NO_THROW((void)RowsFile(path).read({0, 24}));
  EXPECT_TRUE(fails([&] { (void)RowsFile(path).read({24, 41}); }, ExitCode::Data, {path, "rows 24 to 40", "damaged"}));
}

TEST_F(RowsFileTest, RefusesMoreSparseFeaturesThanCanBeNumbered) {
  write(Storage::Sparse, {8});
  {
    Hdf5File file = Hdf5File::open_to_append(path, ExitCode::Data);
    file.set_attribute("/features", "n_features", Index{1} << 40);
    file.close();
  }
  EXPECT_TRUE(fails([&] { RowsFile file(path); }, ExitCode::Data, {"n_features", "at most"}));
}

TEST_F(RowsFileTest, RefusesAnotherNumberOfIds) {
  for (const hsize_t n_ids : {1, 3}) {
    Hdf5Writer(path)
        .add("/features", {2, 1}, std::vector<double>{1, 2})
        .add("/labels", {2}, std::vector<std::int64_t>{1, 0})
        .add("/ids", {n_ids}, std::vector<std::int64_t>{1, 0, 2});
    EXPECT_TRUE(fails([&] { RowsFile file(path); }, ExitCode::Data, {"/ids", "2 rows"}));
  }
}

TEST_F(RowsFileTest, RefusesRowsOfNothing) {
  Hdf5Writer(path)
      .add("/features", {2, 0, hsize_t{1} << 62, 4}, std::vector<double>{})
      .add("/labels", {2}, std::vector<std::int64_t>{1, 0});
  EXPECT_TRUE(fails([&] { RowsFile file(path); }, ExitCode::Data, {"/features is empty"}));
}

}  // namespace
}  // namespace meha
