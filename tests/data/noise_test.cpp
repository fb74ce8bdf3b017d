// SPDX-License-Identifier: MIT
#include "meha/data/noise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/errors.hpp"

namespace meha {
namespace {

constexpr Index n_classes = 5;
constexpr const char* all_kinds[] = {"uniform", "uniform_inclusive", "pair", "classwise"};

std::vector<Label> labels_of(Index n) {
  std::vector<Label> labels;
  for (Index row = 0; row < n; ++row) {
    labels.push_back(static_cast<Label>(row % n_classes));
  }
  return labels;
}

struct Noisy {
  std::vector<Label> before, after;
  std::vector<std::uint8_t> is_clean;
};

Noisy corrupt(const std::string& kind, Real rate, Index n = 1000, Index seed = 11) {
  Noisy noisy{.before = labels_of(n), .after = labels_of(n), .is_clean = {}};
  noisy.is_clean = corrupt_labels(noisy.after, n_classes, {.kind = kind, .rate = rate}, seed);
  return noisy;
}

TEST(Noise, NoneLeavesAllAloneAndKnowsNothing) {
  const Noisy noisy = corrupt("none", 0.5);
  EXPECT_EQ(noisy.after, noisy.before);
  EXPECT_TRUE(noisy.is_clean.empty());
}

TEST(Noise, RedrawsExactlyTheRoundedShareOfRows) {
  for (const char* kind : all_kinds) {
    for (const Real rate : {0.0, 0.25, 0.4999, 0.999}) {
      const Noisy noisy = corrupt(kind, rate, 999);
      EXPECT_EQ(std::count(noisy.is_clean.begin(), noisy.is_clean.end(), 0), std::llround(rate * 999))
          << kind << ' ' << rate;
      for (std::size_t i = 0; i < noisy.before.size(); ++i) {
        EXPECT_GE(noisy.after[i], 0);
        EXPECT_LT(noisy.after[i], n_classes);
        if (noisy.is_clean[i] != 0) {
          EXPECT_EQ(noisy.after[i], noisy.before[i]);
        }
      }
    }
  }
}

/// counts[before][after] over the rows that were redrawn.
std::vector<std::vector<Index>> transitions(const Noisy& noisy) {
  std::vector counts(n_classes, std::vector<Index>(n_classes, 0));
  for (std::size_t i = 0; i < noisy.before.size(); ++i) {
    if (noisy.is_clean[i] == 0) {
      ++counts[static_cast<std::size_t>(noisy.before[i])][static_cast<std::size_t>(noisy.after[i])];
    }
  }
  return counts;
}

TEST(Noise, UniformGivesEachOtherClassEquallyOften) {
  const auto counts = transitions(corrupt("uniform", 0.8, 50'000));
  for (std::size_t from = 0; from < n_classes; ++from) {
    for (std::size_t to = 0; to < n_classes; ++to) {
      const Real expected = from == to ? 0 : 50'000 * 0.8 / n_classes / (n_classes - 1);
      EXPECT_NEAR(static_cast<Real>(counts[from][to]), expected, 6 * std::sqrt(expected)) << from << "→" << to;
    }
  }
}

TEST(Noise, UniformInclusiveGivesEveryClassEquallyOften) {
  const auto counts = transitions(corrupt("uniform_inclusive", 0.8, 50'000));
  for (std::size_t from = 0; from < n_classes; ++from) {
    for (std::size_t to = 0; to < n_classes; ++to) {
      const Real expected = 50'000 * 0.8 / n_classes / n_classes;
      EXPECT_NEAR(static_cast<Real>(counts[from][to]), expected, 6 * std::sqrt(expected)) << from << "→" << to;
    }
  }
}

TEST(Noise, PairGivesTheNextClass) {
  const Noisy noisy = corrupt("pair", 0.5);
  for (std::size_t i = 0; i < noisy.before.size(); ++i) {
    EXPECT_EQ(noisy.after[i], noisy.is_clean[i] != 0 ? noisy.before[i] : (noisy.before[i] + 1) % n_classes);
  }
}

TEST(Noise, ClasswiseGivesOtherClassesWithUnequalProbabilities) {
  const auto counts = transitions(corrupt("classwise", 0.8, 50'000));
  Index smallest = counts[0][1];
  Index largest = 0;
  for (std::size_t from = 0; from < n_classes; ++from) {
    EXPECT_EQ(counts[from][from], 0);
    for (std::size_t to = 0; to < n_classes; ++to) {
      if (from != to) {
        smallest = std::min(smallest, counts[from][to]);
        largest = std::max(largest, counts[from][to]);
      }
    }
  }
  EXPECT_GT(largest, 2 * smallest);
}

TEST(Noise, DependsOnTheSeedAndOnNothingElse) {
  for (const char* kind : all_kinds) {
    const Noisy noisy = corrupt(kind, 0.5);
    EXPECT_EQ(corrupt(kind, 0.5).after, noisy.after);
    EXPECT_NE(corrupt(kind, 0.5, 1000, 12).after, noisy.after) << kind;
    EXPECT_NE(corrupt(kind, 0.5, 1000, 12).is_clean, noisy.is_clean) << kind;
  }
}

TEST(Noise, ALabelDependsOnItsOwnRowOnly) {
  for (const char* kind : all_kinds) {
    const Noisy noisy = corrupt(kind, 0.5);
    std::vector<Label> others = labels_of(1000);
    for (std::size_t i = 0; i < others.size(); i += 2) {
      others[i] = (others[i] + 3) % n_classes;
    }
    EXPECT_EQ(corrupt_labels(others, n_classes, {.kind = kind, .rate = 0.5}, 11), noisy.is_clean);
    for (std::size_t i = 1; i < others.size(); i += 2) {
      EXPECT_EQ(others[i], noisy.after[i]) << kind << ' ' << i;
    }
  }
}

TEST(Noise, AHigherRateKeepsTheRowsOfALowerOne) {
  const Noisy low = corrupt("uniform", 0.2);
  const Noisy high = corrupt("uniform", 0.6);
  for (std::size_t i = 0; i < low.after.size(); ++i) {
    if (low.is_clean[i] == 0) {
      EXPECT_EQ(high.is_clean[i], 0);
      EXPECT_EQ(high.after[i], low.after[i]);
    }
  }
}

TEST(Noise, NeedsTwoClasses) {
  std::vector<Label> labels = {0, 0, 0};
  EXPECT_TRUE(fails([&] { corrupt_labels(labels, 1, {.kind = "pair", .rate = 0.5}, 1); }, ExitCode::Data,
                    {"problem.noise.kind", "at least 2 classes"}));
}

}  // namespace
}  // namespace meha
