// SPDX-License-Identifier: MIT
#include "meha/data/episodes.hpp"

#include <gtest/gtest.h>

#include <set>

#include "support/errors.hpp"

namespace meha {
namespace {

constexpr Index n_classes = 7;
constexpr Index n_each = 9;

/// n_each rows of every class, rows numbered from `first`.
Selection pool(Index first) {
  auto table = std::make_shared<Table>();
  table->name = "rows.h5";
  Selection selection{.table = table, .rows = {}, .labels = {}};
  for (Index i = 0; i < n_classes * n_each; ++i) {
    selection.rows.push_back(first + i);
    selection.labels.push_back(static_cast<Label>(i % n_classes));
  }
  return selection;
}

Label class_of(Index row) {
  return static_cast<Label>(row % 1000 % n_classes);
}

const Selection support_pool = pool(0);
const Selection query_pool = pool(1000);

Episodes draw(Index n_tasks, EpisodeSet set = EpisodeSet::Training, Index seed = 3) {
  const Range classes = set == EpisodeSet::Training ? Range{0, 4} : Range{4, n_classes};
  return draw_episodes(support_pool, query_pool, classes,
                       {.n_tasks = n_tasks, .n_ways = 3, .n_shots = 2, .n_queries = 5}, seed, set);
}

using Rows = std::vector<Index>;

TEST(Episodes, HaveNWaysOfDifferentRows) {
  const Episodes episodes = draw(50);
  ASSERT_EQ(episodes.support.n_rows(), 50 * 6);
  ASSERT_EQ(episodes.query.n_rows(), 50 * 15);
  for (std::size_t task = 0; task < 50; ++task) {
    std::set<Index> rows;
    std::set<Label> classes;
    for (std::size_t i = 0; i < 6; ++i) {
      const Index row = episodes.support.rows[task * 6 + i];
      EXPECT_EQ(episodes.support.labels[task * 6 + i], static_cast<Label>(i / 2));
      EXPECT_EQ(class_of(row), class_of(episodes.support.rows[task * 6 + i / 2 * 2])) << "one label, one class";
      rows.insert(row);
      classes.insert(class_of(row));
    }
    for (std::size_t i = 0; i < 15; ++i) {
      const Index row = episodes.query.rows[task * 15 + i];
      EXPECT_EQ(episodes.query.labels[task * 15 + i], static_cast<Label>(i / 5));
      EXPECT_EQ(class_of(row), class_of(episodes.support.rows[task * 6 + i / 5 * 2])) << "as in the support set";
      rows.insert(row);
    }
    EXPECT_EQ(rows.size(), 21U) << "no row twice in a task";
    EXPECT_EQ(classes.size(), 3U);
  }
}

TEST(Episodes, DependOnSeedSetAndTaskAlone) {
  const Episodes all = draw(20);
  const Episodes few = draw(7);
  EXPECT_EQ(Rows(all.support.rows.begin(), all.support.rows.begin() + 7 * 6), few.support.rows);
  EXPECT_EQ(Rows(all.query.rows.begin(), all.query.rows.begin() + 7 * 15), few.query.rows);
  EXPECT_NE(draw(7, EpisodeSet::Training, 4).support.rows, few.support.rows);
  EXPECT_NE(Rows(few.query.rows.begin(), few.query.rows.begin() + 15),
            Rows(few.query.rows.begin() + 15, few.query.rows.begin() + 30));
}

TEST(Episodes, HeldOutClassesAreNeverTrainedOn) {
  const auto classes = [](const Episodes& episodes) {
    std::set<Label> seen;
    for (const Rows* rows : {&episodes.support.rows, &episodes.query.rows}) {
      for (const Index row : *rows) {
        seen.insert(class_of(row));
      }
    }
    return seen;
  };
  EXPECT_EQ(classes(draw(50)), (std::set<Label>{0, 1, 2, 3}));
  EXPECT_EQ(classes(draw(50, EpisodeSet::Evaluation)), (std::set<Label>{4, 5, 6}));
}

TEST(Episodes, RefuseWhatCannotBeDrawn) {
  const auto drawn = [](Range classes, const EpisodePlan& plan) {
    return [=] { (void)draw_episodes(support_pool, query_pool, classes, plan, 0, EpisodeSet::Training); };
  };
  EXPECT_TRUE(fails(drawn({0, 4}, {.n_tasks = 1, .n_ways = 5}), ExitCode::Config, {"n_ways = 5", "only 4 classes"}));
  EXPECT_TRUE(fails(drawn({0, -1}, {.n_tasks = 1, .n_ways = 2}), ExitCode::Config, {"n_ways = 2", "only 0 classes"}));
  EXPECT_TRUE(fails(drawn({0, 4}, {.n_tasks = 1, .n_ways = 2, .n_queries = 10}), ExitCode::Data,
                    {"rows.h5", "class 0 has 9 validation rows", "10"}));
  EXPECT_TRUE(fails(drawn({0, n_classes + 1}, {.n_tasks = 1, .n_ways = 2, .n_queries = 2}), ExitCode::Data,
                    {"class 7 has 0 training rows"}));
}

TEST(Rotations, MakeFourClassesOfOne) {
  auto table = std::make_shared<Table>();
  table->name = "square.h5";
  table->n_rows = 2;
  table->n_features = 4;
  for (const int v : {9, 9, 9, 9, 1, 2, 3, 4}) {  // row 1:  1 2 / 3 4
    table->features.push_back(static_cast<std::byte>(v));
  }
  const Selection turned = with_rotations({.table = table, .rows = {1}, .labels = {5}});
  EXPECT_EQ(turned.rows, (Rows{4, 5, 6, 7}));
  EXPECT_EQ(turned.labels, (std::vector<Label>{20, 21, 22, 23}));
  const Selection images = turned_images(turned);
  EXPECT_EQ(images.labels, turned.labels);
  const std::vector<std::vector<int>> expected = {{1, 2, 3, 4}, {3, 1, 4, 2}, {4, 3, 2, 1}, {2, 4, 1, 3}};
  for (std::size_t r = 0; r < 4; ++r) {
    std::vector<int> found;
    for (const std::byte v : images.table->row(images.rows[r])) {
      found.push_back(std::to_integer<int>(v));
    }
    EXPECT_EQ(found, expected[r]) << r << " quarter turns clockwise";
  }
  table->n_features = 5;
  EXPECT_TRUE(fails([&] { (void)turned_images(turned); }, ExitCode::Data, {"square.h5", "5 numbers", "square"}));
}

}  // namespace
}  // namespace meha
