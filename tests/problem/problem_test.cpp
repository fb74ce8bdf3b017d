// SPDX-License-Identifier: MIT
#include "meha/problem/problem.hpp"

#include <gtest/gtest.h>

#include "meha/core/error.hpp"
#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

TEST(Problem, ShareExponentCoversTheRows) {
  const Weighted problem;
  for (const auto& [n, exponent] : {std::pair<Index, int>{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {50'000, 16}}) {
    EXPECT_EQ(problem.share_exponent(Level::Lower, n), exponent) << n;
  }
}

// The step of x comes after the gradients of x at every probe and before those of y.
TEST(Problem, DefaultAddStepsBetweenHalves) {
  SCOPED_TRACE(seed_text());
  Weighted problem;
  const Vec y[] = {random_vector(4, 50), random_vector(4, 51)};
  const Block block{.id = 1, .rows = {3, 8}, .n_rows_in_pass = 13};
  Vec x = Vec::Constant(5, 0.7);
  const Vec x_after = Vec::Constant(5, 1.1);
  Vec grad_x[2] = {Vec::Zero(5), Vec::Zero(5)};
  Vec grad_y[2] = {Vec::Zero(4), Vec::Zero(4)};
  std::vector<Probe> probes;
  std::vector<Share> shares;
  for (std::size_t p = 0; p < 2; ++p) {
    probes.push_back({.y = as_span(y[p]), .want = Want::Value | Want::GradX | Want::GradY});
    shares.push_back({.value = 0, .grad_x = as_span(grad_x[p]), .grad_y = as_span(grad_y[p])});
  }
  Index n_calls = 0;
  problem.add(Level::Lower, block, as_span(std::as_const(x)), probes, shares, [&](Range rows) {
    EXPECT_EQ(rows, (Range{0, 5}));
    EXPECT_GT(grad_x[1].norm(), 0);
    EXPECT_EQ(grad_y[0].norm(), 0);
    x = x_after;
    ++n_calls;
  });
  EXPECT_EQ(n_calls, 1);
  for (std::size_t p = 0; p < 2; ++p) {
    Share before{.value = 0, .grad_x = as_span(grad_x[p]), .grad_y = {}};
    const Vec found_x = grad_x[p];
    const Vec old_x = Vec::Constant(5, 0.7);
    problem.add_one(Level::Lower, block, as_span(old_x), probes[p], before);
    EXPECT_EQ(grad_x[p], found_x);
    EXPECT_EQ(before.value, shares[p].value);
    Vec expected_y = Vec::Zero(4);
    Share after{.value = 0, .grad_x = {}, .grad_y = as_span(expected_y)};
    problem.add_one(Level::Lower, block, as_span(x_after), probes[p], after);
    EXPECT_EQ(grad_y[p], expected_y);
  }
}

}  // namespace
}  // namespace meha
