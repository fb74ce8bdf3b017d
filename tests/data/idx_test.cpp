// SPDX-License-Identifier: MIT
#include "meha/data/idx.hpp"

#include <gtest/gtest.h>

#include "support/bands.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

class Idx : public testing::Test {
 protected:
  [[nodiscard]] std::string images(const std::string& content) const {
    return write_file(scratch.file("images"), content);
  }
  [[nodiscard]] std::string labels(const std::string& content) const {
    return write_file(scratch.file("labels"), content);
  }

  Scratch scratch;
  const std::string pixels = std::string("\x00\x01\x02\x03\x04\xff\x06\x07\x08\x09\x0a\x0b", 12);
  const std::string good_images = idx_bytes({3, 2, 2}, pixels);
  const std::string good_labels = idx_bytes({3}, std::string("\x00\x09\xff", 3));
};

void expect_three_rows(const Table& table, const std::string& pixels) {
  EXPECT_EQ(table.n_rows, 3);
  EXPECT_EQ(table.n_features, 4);
  EXPECT_EQ(table.element, Storage::UInt8);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(table.features.data()), table.features.size()), pixels);
  EXPECT_EQ(std::to_integer<int>(table.row(1)[1]), 255);
  EXPECT_EQ(table.labels, (std::vector<Label>{0, 9, 255}));
  EXPECT_TRUE(table.truth.empty());
}

TEST_F(Idx, ReadsPlainFiles) {
  expect_three_rows(read_idx(images(good_images), labels(good_labels)), pixels);
}

TEST_F(Idx, ComesInBands) {
  for (const Index n : {1, 2, 3, 4}) {
    expect_three_rows(in_bands(*idx_rows(images(good_images), labels(good_labels)), n), pixels);
  }
}

TEST_F(Idx, TellsSizesAndLabelsWithoutFeatures) {
  const std::string head = good_images.substr(0, good_images.size() - pixels.size());
  const Table table = read_idx_labels(images(head), labels(good_labels));
  EXPECT_EQ(table.n_rows, 3);
  EXPECT_EQ(table.n_features, 4);
  EXPECT_EQ(table.labels, (std::vector<Label>{0, 9, 255}));
  EXPECT_TRUE(table.features.empty());
}

TEST_F(Idx, ReadsGzippedFiles) {
  expect_three_rows(
      read_idx(gzip_file(scratch.file("i.gz"), good_images), gzip_file(scratch.file("l.gz"), good_labels)), pixels);
}

TEST_F(Idx, ReadsRowsOfOneDimension) {
  const Table table = read_idx(images(idx_bytes({3, 4}, pixels)), labels(good_labels));
  EXPECT_EQ(table.n_rows, 3);
  EXPECT_EQ(table.n_features, 4);
}

TEST_F(Idx, NamesAMissingFile) {
  const std::string missing = scratch.file("missing.gz");
  EXPECT_TRUE(fails([&] { read_idx(missing, labels(good_labels)); }, ExitCode::Data, {missing, "No such file"}));
  EXPECT_TRUE(fails([&] { read_idx(scratch.folder(), labels(good_labels)); }, ExitCode::Data, {scratch.folder()}));
}

TEST_F(Idx, RefusesAWrongMagicNumber) {
  std::string floats = good_images;
  floats[2] = 0x0d;
  EXPECT_TRUE(fails([&] { read_idx(images(floats), labels(good_labels)); }, ExitCode::Data,
                    {"images", "0x00000d03", "must be"}));
  EXPECT_TRUE(fails([&] { read_idx(images("\x89PNG\r\n"), labels(good_labels)); }, ExitCode::Data, {"0x89504e47"}));
  EXPECT_TRUE(fails([&] { read_idx(images(""), labels(good_labels)); }, ExitCode::Data, {"magic number", "truncated"}));
}

TEST_F(Idx, SuspectsSwappedFiles) {
  EXPECT_TRUE(fails([&] { read_idx(labels(good_labels), images(good_images)); }, ExitCode::Data,
                    {"labels", "0x00000801", "swapped"}));
}

TEST_F(Idx, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < good_images.size(); ++n) {
    EXPECT_TRUE(
        fails([&] { read_idx(images(good_images.substr(0, n)), labels(good_labels)); }, ExitCode::Data, {"images"}))
        << n;
  }
  EXPECT_TRUE(fails([&] { read_idx(images(good_images), labels(good_labels.substr(0, 10))); }, ExitCode::Data,
                    {"labels", "truncated"}));
}

TEST_F(Idx, RefusesEveryTruncationOfGzip) {
  const std::string whole = content_of(gzip_file(scratch.file("whole.gz"), good_images));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_TRUE(fails([&] { read_idx(images(whole.substr(0, n)), labels(good_labels)); }, ExitCode::Data, {"images"}))
        << n << " of " << whole.size();
  }
}

TEST_F(Idx, RefusesAWrongGzipChecksum) {
  std::string damaged = content_of(gzip_file(scratch.file("whole.gz"), good_images));
  for (const std::size_t from_end : {1U, 4U, 5U, 8U}) {
    std::string flipped = damaged;
    flipped[flipped.size() - from_end] = static_cast<char>(flipped[flipped.size() - from_end] ^ 4);
    EXPECT_TRUE(fails([&] { read_idx(images(flipped), labels(good_labels)); }, ExitCode::Data, {"images", "damaged"}));
  }
}

TEST_F(Idx, RefusesTrailingBytes) {
  EXPECT_TRUE(fails([&] { read_idx(images(good_images + "x"), labels(good_labels)); }, ExitCode::Data, {"more bytes"}));
  EXPECT_TRUE(fails([&] { read_idx(gzip_file(scratch.file("i.gz"), good_images + "x"), labels(good_labels)); },
                    ExitCode::Data, {"more bytes"}));
}

TEST_F(Idx, RefusesAbsurdDimensionsWithoutAllocatingThem) {
  for (const std::vector<std::uint32_t>& shape : {std::vector<std::uint32_t>{0xffffffffU, 2, 2},
                                                  {3, 0xffffffffU, 0xffffffffU},
                                                  {1U << 31U, 1U << 31U, 1U << 31U}}) {
    EXPECT_TRUE(fails([&] { read_idx(images(idx_bytes(shape, pixels)), labels(good_labels)); }, ExitCode::Data,
                      {"dimension", "larger than the file can hold"}));
  }
}

TEST_F(Idx, RefusesEmptyDimensions) {
  EXPECT_TRUE(fails(
      [&] {
        read_idx(images(idx_bytes({0, 2, 2}, "")), labels(good_labels));
      },
      ExitCode::Data, {"dimension 0 = 0", "must be > 0"}));
  EXPECT_TRUE(fails(
      [&] {
        read_idx(images(idx_bytes({3, 2, 0}, "")), labels(good_labels));
      },
      ExitCode::Data, {"dimension 2 = 0"}));
}

TEST_F(Idx, RefusesAnotherNumberOfLabels) {
  EXPECT_TRUE(fails([&] { read_idx(images(good_images), labels(idx_bytes({2}, "ab"))); }, ExitCode::Data,
                    {"labels: 2 labels", "images has 3 rows"}));
}

}  // namespace
}  // namespace meha
