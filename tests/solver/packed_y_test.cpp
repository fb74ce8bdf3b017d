// SPDX-License-Identifier: MIT
#include "meha/solver/packed_y.hpp"

#include <gtest/gtest.h>

namespace meha {
namespace {

constexpr Columns layout = {.n_columns = 70, .n_numbers = 2};
constexpr Index n_y = 143;  // two rows of 70, and a rest of 3

TEST(PackedY, HasTheColumnsThatAreReached) {
  PackedY y;
  const auto bits = y.begin(layout, n_y);
  bits[0] = 1U << 4U;
  bits[1] = 1U << 5U;
  y.end();
  EXPECT_FALSE(y.is_whole());
  EXPECT_EQ(std::vector<Index>(y.columns().begin(), y.columns().end()),
            (std::vector<Index>{0, 4, 69}));  // 0: see end()
  EXPECT_EQ(y.size(), 3 + 2 * 3);

  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(1 + y.size(), 2);
  std::vector<Real> numbers = {1, 2, 3, 10, 20, 30, 40};
  const std::vector<std::uint32_t> places = {2, 1};
  y.add(sum, 1, numbers, places, 0.5, 0);
  std::vector<Real> all(n_y, 9.0);
  y.read(sum, 1, 0, all);
  std::vector<Real> expected(n_y, 0.0);
  expected[69] = 5, expected[70 + 69] = 10;
  expected[4] = 15, expected[70 + 4] = 20;
  expected[140] = 0.5, expected[141] = 1, expected[142] = 1.5;
  EXPECT_EQ(all, expected);
}

TEST(PackedY, TermsOfAllOfYNeedAllColumns) {
  PackedY y;
  Columns all_columns = layout;
  all_columns.all = true;
  y.begin(all_columns, n_y);
  y.end();
  EXPECT_EQ(y.size(), n_y);
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(n_y, 2);
  std::vector<Real> terms(n_y);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    terms[i] = static_cast<Real>(i);
  }
  y.add_whole(sum, 0, terms, 1, 0);
  std::vector<Real> read(n_y);
  y.read(sum, 0, 0, read);
  EXPECT_EQ(read, terms);
}

TEST(PackedY, WithoutColumnsYStandsAsItIs) {
  PackedY y;
  EXPECT_TRUE(y.begin({}, 3).empty());
  y.end();
  EXPECT_TRUE(y.is_whole());
  EXPECT_EQ(y.size(), 3);
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(3, 1);
  std::vector<Real> numbers = {1, 2, 3};
  y.add(sum, 0, numbers, {}, 1, 0);
  std::vector<Real> read(3);
  y.read(sum, 0, 0, read);
  EXPECT_EQ(read, numbers);
}

}  // namespace
}  // namespace meha
