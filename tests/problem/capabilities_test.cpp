// SPDX-License-Identifier: MIT
#include "meha/problem/capabilities.hpp"

#include <gtest/gtest.h>

#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

TEST(Capabilities, AreNoneUnlessAProblemSaysSo) {
  Weighted problem;
  EXPECT_EQ(problem.provenance(), nullptr);
  EXPECT_EQ(problem.row_reader(), nullptr);
  EXPECT_EQ(problem.column_passes(), nullptr);
  EXPECT_EQ(problem.own_metrics(), nullptr);
  EXPECT_EQ(problem.search_space(), nullptr);
  EXPECT_EQ(problem.doubtful_labels(), nullptr);
}

TEST(Capabilities, ListBitsListsThoseThatAreSet) {
  std::vector<Index> numbers = {7};
  list_bits(std::vector<std::uint64_t>{0, 0}, 100, numbers);
  EXPECT_EQ(numbers, std::vector<Index>());
  const std::vector<std::uint64_t> bits = {std::uint64_t{1} << 63U | 5, ~std::uint64_t{0}};
  list_bits(bits, 67, numbers);
  EXPECT_EQ(numbers, (std::vector<Index>{0, 2, 63, 64, 65, 66}));
}

}  // namespace
}  // namespace meha
