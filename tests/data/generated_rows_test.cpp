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

TEST(DeformedRows, MoveASquareALittle) {
  const Table rows = deformed_rows(squares(1), {.seed = 1, .n_rows = 200, .n_threads = 2}, 0)->read(all_rows);
  Real most = 0;
  Real mean_x = 0;
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
    EXPECT_GT(mass, 0.5 * 200 * 100);  // scaling both ways by 15 %, and the field
    EXPECT_LT(mass, 2.0 * 200 * 100);
    most = std::max(most, std::hypot(x / mass - 13.5, y / mass - 13.5));
    mean_x += x / mass / 200;
  }
  EXPECT_GT(most, 1.5);  // shift up to 2·√2, divided by the scale, and the field
  EXPECT_LT(most, 7);
  EXPECT_NEAR(mean_x, 13.5, 0.5);  // 200 draws of deviation ~1.5: 5 deviations of the mean
}

TEST(DeformedRows, RefuseWhatIsNoImage) {
  auto images = squares(1);
  EXPECT_TRUE(fails([&] { (void)deformed_rows(images, {.width = 27, .height = 28, .n_rows = 1}, 0); }, ExitCode::Config,
                    {"784", "--width"}));
  images->n_features = 785;
  EXPECT_TRUE(fails([&] { (void)deformed_rows(images, {.n_rows = 1}, 0); }, ExitCode::Config, {"785"}));
  images->element = Element::Float32;
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
