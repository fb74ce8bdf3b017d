// SPDX-License-Identifier: MIT
#include "meha/core/shell_word.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

TEST(ShellWord, IsQuotedWhereAShellWouldTakeItApart) {
  EXPECT_EQ(shell_word("runs/a-1_b.toml"), "runs/a-1_b.toml");
  EXPECT_EQ(shell_word("my runs/a"), "'my runs/a'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$(true);"), "'$(true);'");
  EXPECT_EQ(shell_word("größe"), "'größe'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace meha
