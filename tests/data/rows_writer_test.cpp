// SPDX-License-Identifier: MIT
#include "meha/data/rows_writer.hpp"

#include <filesystem>

#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

using RowsWriterTest = RowsTest;

TEST_F(RowsWriterTest, BandsDoNotShowInFingerprint) {
  for (const Storage stored : all_kinds) {
    const std::string name = name_of(stored);
    EXPECT_EQ(write(stored, {41}, name + "1"), write(stored, {1, 8, 16, 16}, name + "2"));
    EXPECT_NE(write(stored, {40}, name + "3"), write(stored, {41}, name + "4"));
  }
}

TEST_F(RowsWriterTest, UnfinishedFileIsRecognisedAndGoneOnWith) {
  for (const Storage stored : all_kinds) {
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

TEST_F(RowsWriterTest, OtherFilesAreLeftAlone) {
  write_file(path, "dear diary");
  EXPECT_TRUE(fails([&] { RowsWriter(path, format_of(Storage::UInt8)); }, ExitCode::Config, {path, "exists"}));
  EXPECT_EQ(content_of(path), "dear diary");
  EXPECT_TRUE(fails([&] { RowsWriter(scratch.file("no/a.h5"), format_of(Storage::UInt8)); }, ExitCode::Checkpoint,
                    {"no/a.h5", "cannot be created"}));
}

}  // namespace
}  // namespace meha
