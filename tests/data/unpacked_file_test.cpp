// SPDX-License-Identifier: MIT
#include "meha/data/unpacked_file.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include "meha/data/csv.hpp"
#include "support/data_files.hpp"
#include "support/errors.hpp"

namespace meha {
namespace {

std::string zstd_of(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

std::string lines_of(const std::string& path) {
  UnpackedFile file(path);
  std::string text;
  for (std::string line; file.next_line(line);) {
    text += line + "\n";
  }
  return text;
}

TEST(UnpackedFile, ReadsWhatZstdHasPacked) {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 100000; ++i) {
    text += std::to_string(i * 7919 % 10007) + "," + std::to_string(i % 2) + "\n";
  }
  const std::string path = scratch.file("a.csv.zst");
  EXPECT_EQ(lines_of(write_file(path, zstd_of(text))), text);
  EXPECT_EQ(lines_of(write_file(path, zstd_of(text) + zstd_of("one more\n"))), text + "one more\n");
  EXPECT_EQ(read_csv(write_file(path, zstd_of(text)), "").n_rows, 100000);
  EXPECT_EQ(lines_of(write_file(path, text)), text);
}

TEST(UnpackedFile, RefusesWhatIsCutOffOrDamaged) {
  const Scratch scratch;
  const std::string path = scratch.file("a.csv.zst");
  const std::string whole = zstd_of("1,2,0\n3,4,1\n");
  for (std::size_t n = 4; n < whole.size(); ++n) {
    write_file(path, whole.substr(0, n));
    EXPECT_TRUE(fails([&] { (void)lines_of(path); }, ExitCode::Data, {"a.csv.zst", "truncated or damaged"})) << n;
  }
  std::string damaged = whole;
  damaged[5] ^= 0x41;
  write_file(path, damaged);
  EXPECT_TRUE(fails([&] { (void)lines_of(path); }, ExitCode::Data, {"a.csv.zst", "damaged"}));
}

}  // namespace
}  // namespace meha
