// SPDX-License-Identifier: MIT
#include "meha/data/instance_noise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "support/errors.hpp"
#include "support/rows.hpp"

namespace meha {
namespace {

Selection selection_of(const Table& table) {
  Selection rows{.table = std::make_shared<Table>(table),
                 .rows = std::vector<Index>(static_cast<std::size_t>(table.n_rows)),
                 .labels = table.labels};
  std::iota(rows.rows.begin(), rows.rows.end(), Index{0});
  return rows;
}

/// Rows of one float32 feature.
Selection line_of(const std::vector<float>& values, const std::vector<Label>& labels) {
  Table table;
  table.name = "line";
  table.n_rows = std::ssize(values);
  table.n_features = 1;
  table.element = Storage::Float32;
  table.features = bytes_of(values);
  table.labels = labels;
  return selection_of(table);
}

constexpr Index n_classes = 5;

/// Class k is around k², none is of class 3.
struct Line {
  std::vector<float> values;
  std::vector<Label> labels;
};

Line make_line(Index n, Real width) {
  Line line;
  for (Index row = 0; row < n; ++row) {
    const Label label = std::array{0, 1, 2, 4}[static_cast<std::size_t>(row % 4)];
    line.labels.push_back(label);
    line.values.push_back(static_cast<float>(label * label + width * (random_uniform(1, Stream::Own, 0, row) - 0.5)));
  }
  return line;
}

struct Noisy {
  Line line;
  std::vector<Label> after;
  std::vector<std::uint8_t> is_clean;
};

Noisy corrupt(Real rate, Index n = 1000, Real width = 4, Index seed = 11) {
  Noisy noisy{.line = make_line(n, width), .after = {}, .is_clean = {}};
  Selection rows = line_of(noisy.line.values, noisy.line.labels);
  noisy.is_clean = corrupt_instances(rows, n_classes, {.kind = "instance", .rate = rate}, seed);
  noisy.after = rows.labels;
  return noisy;
}

TEST(InstanceNoise, RedrawsExactlyTheRoundedShareOfRowsIntoOtherClassesThatThereAre) {
  for (const Real rate : {0.0, 0.25, 0.4999, 0.999, 1.0}) {
    const Noisy noisy = corrupt(rate, 999);
    EXPECT_EQ(std::count(noisy.is_clean.begin(), noisy.is_clean.end(), 0), std::llround(rate * 999)) << rate;
    for (std::size_t i = 0; i < noisy.after.size(); ++i) {
      EXPECT_EQ(noisy.after[i] == noisy.line.labels[i], noisy.is_clean[i] != 0);
      EXPECT_NE(noisy.after[i], 3);
    }
  }
}

TEST(InstanceNoise, GivesTheOtherClassWhoseMeanIsNearest) {
  const Noisy noisy = corrupt(1, 1000, 0.5);
  constexpr std::array<Label, n_classes> nearest = {1, 0, 1, -1, 2};
  for (std::size_t i = 0; i < noisy.after.size(); ++i) {
    EXPECT_EQ(noisy.after[i], nearest[static_cast<std::size_t>(noisy.line.labels[i])]);
  }
}

TEST(InstanceNoise, PrefersRowsThatTheModelIsUnsureOf) {
  constexpr Index n = 20'000;
  std::vector<float> values;
  std::vector<Label> labels;
  for (Index row = 0; row < n; ++row) {
    values.push_back(static_cast<float>(2 * random_uniform(2, Stream::Own, 0, row) - 1));
    labels.push_back(values.back() > 0 ? 1 : 0);
  }
  Selection rows = line_of(values, labels);
  const auto is_clean = corrupt_instances(rows, 2, {.kind = "instance", .rate = 0.3}, 5);
  std::array<Real, 4> found{};  // corrupted by |a|, a quarter of the rows each
  for (std::size_t i = 0; i < values.size(); ++i) {
    found[std::min<std::size_t>(3, static_cast<std::size_t>(4 * std::abs(values[i])))] += 1 - is_clean[i];
  }
  constexpr Real t = 0.76142;  // 1 − (1 − exp(−t))/t = 0.3
  for (std::size_t quarter = 0; quarter < 4; ++quarter) {
    const Real low = 1 - (static_cast<Real>(quarter) + 1) / 4;  // weights of the quarter: from here to ¼ more
    const Real expected = n * (0.25 - (std::exp(-t * low) - std::exp(-t * (low + 0.25))) / t);
    EXPECT_NEAR(found[quarter], expected, 6 * std::sqrt(expected) + 0.01 * n) << quarter;
  }
}

TEST(InstanceNoise, RowsAlikeAreAsLikely) {
  constexpr Index n = 10'000;
  std::vector<float> values;
  std::vector<Label> labels;
  for (Index row = 0; row < n; ++row) {
    labels.push_back(static_cast<Label>(row % 2));
    values.push_back(static_cast<float>(labels.back()));
  }
  Selection rows = line_of(values, labels);
  const auto is_clean = corrupt_instances(rows, 2, {.kind = "instance", .rate = 0.5}, 5);
  const Index n_clean = std::accumulate(is_clean.begin(), is_clean.begin() + n / 2, Index{0});
  EXPECT_NEAR(static_cast<Real>(n_clean), n / 4.0, 3 * std::sqrt(n / 8.0));
}

TEST(InstanceNoise, DependsOnTheSeedAndAHigherRateKeepsTheRowsOfALowerOne) {
  const Noisy low = corrupt(0.2);
  EXPECT_EQ(corrupt(0.2).after, low.after);
  EXPECT_NE(corrupt(0.2, 1000, 4, 12).is_clean, low.is_clean);
  const Noisy high = corrupt(0.6);
  for (std::size_t i = 0; i < low.after.size(); ++i) {
    if (low.is_clean[i] == 0) {
      EXPECT_EQ(high.after[i], low.after[i]);
    }
  }
}

TEST(InstanceNoise, SparseRowsAreAsDenseOnes) {
  const Table sparse = rows_from(0, 300, Storage::Sparse);
  std::vector<float> values(300 * n_row_features);
  for (Index row = 0; row < 300; ++row) {
    for (Index i = sparse.first_entry[static_cast<std::size_t>(row)];
         i < sparse.first_entry[static_cast<std::size_t>(row) + 1]; ++i) {
      Entry entry{};
      std::memcpy(&entry, sparse.features.data() + static_cast<std::size_t>(i) * sizeof entry, sizeof entry);
      values[static_cast<std::size_t>(row * n_row_features) + entry.feature] = entry.value;
    }
  }
  Table dense = rows_from(0, 300, Storage::Float32);
  dense.features = bytes_of(values);
  Selection a = selection_of(sparse);
  Selection b = selection_of(dense);
  EXPECT_EQ(corrupt_instances(a, 3, {.kind = "instance", .rate = 0.4}, 2),
            corrupt_instances(b, 3, {.kind = "instance", .rate = 0.4}, 2));
  EXPECT_EQ(a.labels, b.labels);
}

class InstanceNoiseOfFiles : public RowsTest {};

TEST_F(InstanceNoiseOfFiles, IsTheSameWhereFeaturesStayInTheFile) {
  for (const Storage stored : all_kinds) {
    write(stored, {100, 77}, name_of(stored));
    DataOptions data;
    data.format = "hdf5";
    data.train_features.value = scratch.file(name_of(stored));
    data.n_train = 130;
    data.n_validation = 40;
    const NoiseOptions noise{.kind = "instance", .rate = 0.4};
    const Split here = load_split(data, noise, 3);
    const Split there = load_split(data, noise, 3, Targets::Classes, Features::InFile);
    EXPECT_TRUE(there.rows[Level::Lower].table->features.empty());
    EXPECT_EQ(there.rows[Level::Lower].labels, here.rows[Level::Lower].labels) << name_of(stored);
    EXPECT_EQ(there.is_clean, here.is_clean);
    Index n_new = 0;
    for (std::size_t i = 0; i < here.rows[Level::Lower].rows.size(); ++i) {
      n_new += here.rows[Level::Lower].labels[i] != here.rows[Level::Lower].rows[i] % 3 ? 1 : 0;
    }
    EXPECT_EQ(n_new, 52);
  }
}

TEST(InstanceNoise, NeedsRowsOfTwoClasses) {
  Selection rows = line_of({1, 2, 3}, {2, 2, 2});
  EXPECT_TRUE(fails([&] { corrupt_instances(rows, 5, {.kind = "instance", .rate = 0.5}, 1); }, ExitCode::Data,
                    {"problem.noise.kind", "at least 2 classes", "line", "1"}));
}

}  // namespace
}  // namespace meha
