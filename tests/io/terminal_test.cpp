// SPDX-License-Identifier: MIT
#include "meha/io/terminal.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

TEST(Terminal, LinesLeaveOutWhatMattersLeast) {
  const std::vector<LinePart> parts = {{"iteration 7/90"}, {"  F 1", 2}, {"  f 2", 1}, {"  8 ms", 3}, {"  ETA 0:05"}};
  EXPECT_EQ(line_of(parts, 200), "iteration 7/90  F 1  f 2  8 ms  ETA 0:05");
  EXPECT_EQ(line_of(parts, 39), "iteration 7/90  F 1  f 2  ETA 0:05");
  EXPECT_EQ(line_of(parts, 30), "iteration 7/90  f 2  ETA 0:05");
  EXPECT_EQ(line_of(parts, 28), "iteration 7/90  ETA 0:05");
  EXPECT_EQ(line_of(parts, 9), "iteration");
}

TEST(Terminal, CharactersAreOneColumnEach) {
  EXPECT_EQ(line_of({{"größe"}}, 5), "größe");
  EXPECT_EQ(line_of({{"größe"}}, 3), "grö");
  EXPECT_EQ(line_of({{"größe"}, {" żółć", 1}}, 10), "größe żółć");
  EXPECT_EQ(line_of({{"größe"}, {" żółć", 1}}, 9), "größe");
}

}  // namespace
}  // namespace meha
