// SPDX-License-Identifier: MIT
#include "meha/data/rows_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "meha/core/random.hpp"
#include "meha/data/hdf5_table.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

constexpr Index n_features = 5;

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// Rows [first, first + n) of an endless table.
Table rows_from(Index first, Index n, Stored stored) {
  Table table;
  table.n_rows = n;
  table.n_features = n_features;
  table.element = element_of(stored);
  std::vector<std::uint8_t> small;
  std::vector<float> floats;
  std::vector<Entry> entries;
  table.first_entry = stored == Stored::Sparse ? std::vector<Index>{0} : std::vector<Index>{};
  for (Index i = first; i < first + n; ++i) {
    for (Index j = 0; j < n_features; ++j) {
      const Index value = random_below(256, 1, Stream::Own, j, i);
      small.push_back(static_cast<std::uint8_t>(value));
      floats.push_back(static_cast<float>(value) / 8);
      if (value < 100) {
        entries.push_back({static_cast<std::uint32_t>(j), floats.back()});
      }
    }
    if (stored == Stored::Sparse) {
      table.first_entry.push_back(static_cast<Index>(entries.size()));
    }
    table.ids.push_back(1000 - i);
    table.labels.push_back(static_cast<Label>(i % 3));
    table.truth.push_back(static_cast<Label>(i % 2));
  }
  table.features = stored == Stored::UInt8    ? bytes_of(small)
                   : stored == Stored::Sparse ? bytes_of(entries)
                                              : bytes_of(floats);
  return table;
}

RowsFormat format_of(Stored stored) {
  return {.stored = stored,
          .n_features = n_features,
          .block_rows = 8,
          .has_truth = true,
          .has_ids = true,
          .class_names = {"a", "b", "c"},
          .shuffle_seed = 7,
          .recipe = "test"};
}

constexpr Stored all_kinds[] = {Stored::UInt8, Stored::Float16, Stored::Float32, Stored::Sparse};

class Rows : public testing::Test {
 protected:
  /// Writes the rows in bands. @return the fingerprint
  std::string write(Stored stored, const std::vector<Index>& bands, const std::string& name = "a.h5") const {
    RowsWriter writer(scratch.file(name), format_of(stored));
    for (const Index n : bands) {
      const Index first = writer.n_rows();
      writer.append(rows_from(first, n, stored));
    }
    return writer.finish();
  }
  static void expect_rows(const RowsFile& file, Range rows, Stored stored) {
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

TEST_F(Rows, ComeBackAsTheyWereWritten) {
  for (const Stored stored : all_kinds) {
    std::filesystem::remove(path);
    const auto fingerprint = write(stored, {20, 3, 18});
    const RowsFile file(path);
    EXPECT_EQ(file.n_rows(), 41);
    EXPECT_EQ(file.n_features(), n_features);
    EXPECT_EQ(file.format().stored, stored);
    EXPECT_EQ(file.format().block_rows, stored == Stored::Sparse ? 0 : 8);
    EXPECT_EQ(file.format().class_names, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(file.format().shuffle_seed, 7);
    EXPECT_EQ(file.fingerprint(), fingerprint);
    for (const Range rows : {Range{0, 41}, {0, 1}, {40, 41}, {7, 30}, {19, 24}, {5, 5}}) {
      expect_rows(file, rows, stored);
    }
    EXPECT_EQ(read_hdf5_table(path, "").features, rows_from(0, 41, stored).features);
  }
}

TEST_F(Rows, BandsDoNotShowInFingerprint) {
  for (const Stored stored : all_kinds) {
    const std::string name = name_of(stored);
    EXPECT_EQ(write(stored, {41}, name + "1"), write(stored, {1, 8, 16, 16}, name + "2"));
    EXPECT_NE(write(stored, {40}, name + "3"), write(stored, {41}, name + "4"));
  }
}

TEST_F(Rows, ChunksAreWhereTheFileSays) {
  write(Stored::UInt8, {41});
  const auto chunks = RowsFile(path).feature_chunks();
  ASSERT_EQ(chunks.size(), 6U);
  const int descriptor = open(path.c_str(), O_RDONLY);
  for (std::size_t b = 0; b < chunks.size(); ++b) {
    EXPECT_EQ(chunks[b].size, 8 * n_features + 4);  // with fletcher32
    const Index n = b + 1 < chunks.size() ? 8 : 1;
    std::vector<std::byte> bytes(static_cast<std::size_t>(n * n_features));
    EXPECT_EQ(pread(descriptor, bytes.data(), bytes.size(), chunks[b].offset), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(bytes, rows_from(static_cast<Index>(b) * 8, n, Stored::UInt8).features);
  }
  close(descriptor);
}

TEST_F(Rows, PlainFilesAreValid) {
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

TEST_F(Rows, UnfinishedFileIsRecognisedAndGoneOnWith) {
  for (const Stored stored : all_kinds) {
    std::filesystem::remove(path);
    {
      const std::string killed = scratch.file(std::string("killed") + name_of(stored));
      RowsWriter writer(killed, format_of(stored));
      writer.append(rows_from(0, 20, stored));
      writer.save_progress();
      writer.append(rows_from(20, 13, stored));
      std::filesystem::copy_file(killed, path);  // what a killed process leaves
    }
    EXPECT_TRUE(fails([&] { RowsFile{path}; }, ExitCode::Data, {path, "is incomplete"}));
    auto other = format_of(stored);
    other.recipe = "another";
    EXPECT_TRUE(fails([&] { RowsWriter(path, other); }, ExitCode::Config, {path, "another command (test)"}));
    {
      RowsWriter writer(path, format_of(stored));
      EXPECT_EQ(writer.n_rows(), 20);
      writer.append(rows_from(20, 21, stored));
      EXPECT_EQ(writer.finish(), write(stored, {41}, std::string("whole") + name_of(stored)));
    }
    expect_rows(RowsFile(path), {0, 41}, stored);
    EXPECT_TRUE(fails([&] { RowsWriter(path, format_of(stored)); }, ExitCode::Config, {path, "is complete"}));
  }
}

TEST_F(Rows, DamageIsFoundWhenItIsRead) {
  write(Stored::UInt8, {41});
  const auto chunk = RowsFile(path).feature_chunks()[3];
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(chunk.offset + 5);
  file.put('\x55');
  file.close();
  EXPECT_NO_THROW((void)RowsFile(path).read({0, 24}));
  EXPECT_TRUE(fails([&] { (void)RowsFile(path).read({24, 41}); }, ExitCode::Data, {path, "rows 24 to 40", "damaged"}));
}

TEST_F(Rows, OtherFilesAreLeftAlone) {
  write_file(path, "dear diary");
  EXPECT_TRUE(fails([&] { RowsWriter(path, format_of(Stored::UInt8)); }, ExitCode::Config, {path, "exists"}));
  EXPECT_EQ(content_of(path), "dear diary");
  EXPECT_TRUE(fails([&] { RowsWriter(scratch.file("no/a.h5"), format_of(Stored::UInt8)); }, ExitCode::Checkpoint,
                    {"no/a.h5", "cannot be created"}));
}

}  // namespace
}  // namespace meha
