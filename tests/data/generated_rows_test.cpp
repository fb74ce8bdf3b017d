// SPDX-License-Identifier: MIT
#include "meha/data/generated_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/errors.hpp"

namespace meha {
namespace {

/// 28 × 28: a bright square in the middle of the dark.
std::shared_ptr<Table> squares(Index n) {
  auto images = std::make_shared<Table>();
  images->n_rows = n;
  images->n_features = 784;
  images->features.assign(static_cast<std::size_t>(n) * 784, std::byte{0});
  for (Index i = 0; i < n; ++i) {
    for (std::size_t y = 9; y < 19; ++y) {
      std::fill_n(images->features.begin() + i * 784 + static_cast<Index>(y * 28 + 9), 10, std::byte{200});
    }
    images->labels.push_back(static_cast<Label>(i));
  }
  return images;
}

TEST(DeformedRows, DependOnSeedAndRowAlone) {
  const auto images = squares(5);
  const Table all = deformed_rows(images, {.seed = 3, .n_rows = 12, .n_threads = 1}, 0)->read(all_rows);
  const Table tail = deformed_rows(images, {.seed = 3, .n_rows = 12, .n_threads = 3}, 7)->read(all_rows);
  EXPECT_EQ(all.n_rows, 12);
  ASSERT_EQ(tail.n_rows, 5);
  for (Index i = 0; i < 5; ++i) {
    EXPECT_TRUE(std::ranges::equal(tail.row(i), all.row(i + 7)));
    EXPECT_EQ(tail.ids[static_cast<std::size_t>(i)], all.ids[static_cast<std::size_t>(i) + 7]);
  }
  EXPECT_FALSE(std::ranges::equal(all.row(0), all.row(1)));
  const Table other = deformed_rows(images, {.seed = 4, .n_rows = 12}, 0)->read(all_rows);
  EXPECT_NE(other.features, all.features);
}

/// Of the square, over 200 deformed copies: least and most of its mass, how far it moved at most, where it is on average.
struct Moved {
  Real least = 1e9, most = 0, furthest = 0, mean_x = 0;
};

Moved moved(Real strength) {
  const Table rows =
      deformed_rows(squares(1), {.seed = 1, .strength = strength, .n_rows = 200, .n_threads = 2}, 0)->read(all_rows);
  Moved moved;
  for (Index i = 0; i < rows.n_rows; ++i) {
    Real mass = 0;
    Real x = 0;
    Real y = 0;
    for (std::size_t pixel = 0; pixel < 784; ++pixel) {
      const auto value = std::to_integer<int>(rows.row(i)[pixel]);
      mass += value;
      x += value * static_cast<Real>(pixel % 28);
      y += value * static_cast<Real>(pixel / 28);
    }
    moved.least = std::min(moved.least, mass);
    moved.most = std::max(moved.most, mass);
    moved.furthest = std::max(moved.furthest, std::hypot(x / mass - 13.5, y / mass - 13.5));
    moved.mean_x += x / mass / 200;
  }
  return moved;
}

TEST(DeformedRows, MoveASquareALittle) {
  const Moved mild = moved(1);
  EXPECT_GT(mild.least, 0.8 * 200 * 100);  // scaling both ways by 5 %, and the field
  EXPECT_LT(mild.most, 1.25 * 200 * 100);
  EXPECT_GT(mild.furthest, 0.8);  // shift up to √2, and the field
  EXPECT_LT(mild.furthest, 3);
  EXPECT_NEAR(mild.mean_x, 13.5, 0.25);  // 200 draws of deviation ~0.7: 5 deviations of the mean
  const Moved strong = moved(3);
  EXPECT_GT(strong.least, 0.5 * 200 * 100);
  EXPECT_LT(strong.most, 2.0 * 200 * 100);
  EXPECT_GT(strong.furthest, 2);
  EXPECT_LT(strong.furthest, 8);
  EXPECT_NEAR(strong.mean_x, 13.5, 0.75);
}

TEST(DeformedRows, OfNoStrengthAreCopies) {
  const auto images = squares(1);
  const Table rows = deformed_rows(images, {.seed = 1, .strength = 0, .n_rows = 2}, 0)->read(all_rows);
  EXPECT_TRUE(std::ranges::equal(rows.row(1), images->row(0)));
}

TEST(DeformedRows, RefuseWhatIsNoImage) {
  auto images = squares(1);
  EXPECT_TRUE(fails([&] { (void)deformed_rows(images, {.width = 27, .height = 28, .n_rows = 1}, 0); }, ExitCode::Config,
                    {"784", "--width"}));
  images->n_features = 785;
  EXPECT_TRUE(fails([&] { (void)deformed_rows(images, {.n_rows = 1}, 0); }, ExitCode::Config, {"785"}));
  images->element = Storage::Float32;
  EXPECT_TRUE(fails([&] { (void)deformed_rows(images, {.n_rows = 1}, 0); }, ExitCode::Data, {"uint8"}));
}

TEST(MixtureRows, DependOnSeedAndRowAlone) {
  const MixtureOptions one{.seed = 5, .n_rows = 100, .n_features = 3, .n_classes = 4, .rate = 0.5, .n_threads = 1};
  MixtureOptions two = one;
  two.n_threads = 2;
  const Table all = mixture_rows(one, 0)->read(all_rows);
  const Table tail = mixture_rows(two, 60)->read(all_rows);
  ASSERT_EQ(tail.n_rows, 40);
  EXPECT_TRUE(std::equal(tail.features.begin(), tail.features.end(), all.features.begin() + 60 * 12));
  EXPECT_TRUE(std::equal(tail.labels.begin(), tail.labels.end(), all.labels.begin() + 60));
  EXPECT_TRUE(std::equal(tail.truth.begin(), tail.truth.end(), all.truth.begin() + 60));
  EXPECT_NE(all.labels, all.truth);
}

}  // namespace
}  // namespace meha
