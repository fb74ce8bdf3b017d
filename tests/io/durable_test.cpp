// SPDX-License-Identifier: MIT
#include "meha/io/durable.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

TEST(Durable, WriteReplacesTheWholeContentAndLeavesNothingBehind) {
  const Scratch scratch;
  const std::string path = scratch.file("a.txt");
  write_durably(path, "a long first content");
  write_durably(path, std::string("short\0", 6));
  EXPECT_EQ(content_of(path), std::string("short\0", 6));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.folder()), fs::directory_iterator()), 1);
}

TEST(Durable, RenameMovesTheNewOverTheOld) {
  const Scratch scratch;
  write_file(scratch.file("a"), "old");
  write_file(scratch.file("a.part"), "new");
  rename_durably(scratch.file("a.part"), scratch.file("a"));
  EXPECT_EQ(content_of(scratch.file("a")), "new");
  EXPECT_FALSE(fs::exists(scratch.file("a.part")));
}

TEST(Durable, FailuresNameTheFileAndKeepTheOld) {
  const Scratch scratch;
  EXPECT_TRUE(fails([&] { write_durably(scratch.file("no/a.txt"), "x"); }, ExitCode::Checkpoint, {"no/a.txt"}));
  write_file(scratch.file("a"), "old");
  EXPECT_TRUE(
      fails([&] { rename_durably(scratch.file("missing"), scratch.file("a")); }, ExitCode::Checkpoint, {"missing"}));
  EXPECT_EQ(content_of(scratch.file("a")), "old");
  EXPECT_TRUE(fails([&] { sync_file(scratch.file("missing")); }, ExitCode::Checkpoint, {"missing", "No such file"}));
}

TEST(Durable, LinksAreReplacedAndRelative) {
  const Scratch scratch;
  write_file(scratch.file("1"), "one");
  write_file(scratch.file("2"), "two");
  replace_link("1", scratch.file("latest"));
  EXPECT_EQ(content_of(scratch.file("latest")), "one");
  replace_link("2", scratch.file("latest"));
  EXPECT_EQ(content_of(scratch.file("latest")), "two");
  EXPECT_EQ(fs::read_symlink(scratch.file("latest")), fs::path("2"));
  EXPECT_NO_THROW(replace_link("1", scratch.file("no/latest")));
}

}  // namespace
}  // namespace meha
