// SPDX-License-Identifier: MIT
#include "meha/problem/label_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;

constexpr Real rounding = 1e-14;  // of sums of a few probabilities

/// Rows of random probabilities, each of sum 1.
Vec random_distributions(Index n_rows, Index n, Index which, Real sharpness = 3) {
  Vec all(n_rows * n);
  for (Index row = 0; row < n_rows; ++row) {
    Real total = 0;
    for (Index k = 0; k < n; ++k) {
      total += all[row * n + k] = std::exp(random_value(which, row * n + k, sharpness));
    }
    for (Index k = 0; k < n; ++k) {
      all[row * n + k] /= total;
    }
  }
  return all;
}

LabelNoise random_noise(Index n, Index which) {
  return {.n_classes = n,
          .transition = random_distributions(n, n, which),
          .prior = random_distributions(1, n, which + 1),
          .judge_weight = 1 + random_value(which + 2, 0, 0.5),
          .trusted_weight = 0.5 + random_value(which + 2, 1, 0.5)};
}

TEST(LabelNoise, PosteriorIsTheRuleOfBayes) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n : {1, 2, 3, 7, 20}) {
    const Vec q = random_distributions(1, n, 1);
    const Vec transition = random_distributions(n, n, 2);
    for (Index given = 0; given < n; ++given) {
      Vec p(n);
      const Real total = posterior(as_span(q), as_span(transition), static_cast<Label>(given), as_span(p));
      Real expected = 0;
      for (Index k = 0; k < n; ++k) {
        expected += q[k] * transition[k * n + given];
      }
      EXPECT_NEAR(total, expected, rounding);
      for (Index k = 0; k < n; ++k) {
        EXPECT_NEAR(p[k], q[k] * transition[k * n + given] / expected, rounding) << n << " classes, given " << given;
      }
    }
  }
}

TEST(LabelNoise, PosteriorOfALabelThatCannotBeIsFinite) {
  const Vec q = Vec::Unit(3, 0);
  const Vec transition = Vec::Unit(9, 0) + Vec::Unit(9, 4) + Vec::Unit(9, 8);
  Vec p(3);
  EXPECT_GT(posterior(as_span(q), as_span(transition), 2, as_span(p)), 0);
  EXPECT_EQ(p, Vec::Zero(3));
}

TEST(LabelNoise, FirstTransitionHasRowsOfSumOneAndALargeDiagonal) {
  EXPECT_EQ(first_transition(1), Vec::Ones(1));
  for (const Index n : {2, 3, 10}) {
    const Vec transition = first_transition(n);
    for (Index k = 0; k < n; ++k) {
      EXPECT_EQ(transition[k * n + k], 0.55);
      EXPECT_NEAR(transition.segment(k * n, n).sum(), 1, rounding);
      EXPECT_GT(transition.segment(k * n, n).minCoeff(), 0);
    }
  }
}

TEST(LabelNoise, TransitionOfCountsIsSmoothedTowardsEvenRowsOfSumOne) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n : {1, 2, 5}) {
    Vec counts(n * n);
    for (Index i = 0; i < n * n; ++i) {
      counts[i] = std::fabs(random_value(3, i, 10));
    }
    counts.tail(n).setZero();  // a class that no row has
    counts[0] += 1;
    const Vec transition = transition_of(counts, n);
    const Real added = 0.01 * counts.sum() / static_cast<Real>(n * n);
    for (Index k = 0; k < n; ++k) {
      const Real total = counts.segment(k * n, n).sum() + static_cast<Real>(n) * added;
      EXPECT_NEAR(transition.segment(k * n, n).sum(), 1, rounding);
      for (Index g = 0; g < n; ++g) {
        EXPECT_NEAR(transition[k * n + g], (counts[k * n + g] + added) / total, rounding);
        EXPECT_GT(transition[k * n + g], 0);
        EXPECT_TRUE(n == 1 || k < n - 1 || std::fabs(transition[k * n + g] - 1 / static_cast<Real>(n)) < rounding);
      }
    }
    const Vec scaled = 1024.0 * counts;  // a power of two: the same bits
    EXPECT_EQ(transition_of(scaled, n), transition);
  }
}

TEST(LabelNoise, TransitionOfNoCountsIsEven) {
  EXPECT_EQ(transition_of(Vec::Zero(16), 4), Vec::Constant(16, 0.25));
}

TEST(LabelNoise, MixIsTheSoftmaxOfTheWeightedSum) {
  SCOPED_TRACE(test::seed_text());
  const Index n = 6;
  const Vec judge = random_distributions(1, n, 4).array().log().matrix();
  const Vec trusted = random_distributions(1, n, 5).array().log().matrix();
  for (const auto& [a, c] : {std::pair(1.0, 0.0), {0.7, 0.4}, {0.0, 1.2}, {2.5, 1.5}}) {
    Vec q(n);
    mix(a, as_span(judge), c, as_span(trusted), as_span(q));
    const Vec expected = (a * judge + c * trusted).array().exp().matrix();
    EXPECT_LE((q - expected / expected.sum()).cwiseAbs().maxCoeff(), rounding) << a << ", " << c;
    if (c == 0) {
      Vec alone(n);
      mix(a, as_span(judge), c, {}, as_span(alone));
      EXPECT_EQ(alone, q) << "no model of trusted rows is one that counts for nothing";
      EXPECT_LE((q - judge.array().exp().matrix()).cwiseAbs().maxCoeff(), rounding);
    }
  }
}

TEST(LabelNoise, MixOfVeryUnlikelyClassesIsFinite) {
  const Vec judge = Vec::LinSpaced(5, -1e4, -2e4);
  Vec q(5);
  mix(2, as_span(judge), 1, as_span(judge), as_span(q));
  EXPECT_EQ(q, Vec::Unit(5, 0));
}

TEST(LabelNoise, OfARowTheGivenClassIsSuggestedUnlessItIsSuspect) {
  SCOPED_TRACE(test::seed_text());
  Index n_suspect = 0;
  Index n_kept = 0;
  for (const Index n : {2, 3, 10}) {
    for (const bool by_row : {false, true}) {
      for (Index trial = 0; trial < 200; ++trial) {
        LabelNoise noise = random_noise(n, 10 + 3 * trial);
        noise.by_row = by_row;
        const Vec judge = random_distributions(1, n, 1000 + trial).array().log().matrix();
        const Vec trusted = random_distributions(1, n, 2000 + trial).array().log().matrix();
        const auto given = static_cast<Label>(trial % n);
        Vec work(2 * n);
        const RowPosterior row = posterior(noise, as_span(judge), as_span(trusted), given, as_span(work));

        Vec p = (noise.judge_weight * judge + noise.trusted_weight * trusted).array().exp().matrix();
        for (Index k = 0; k < n && !by_row; ++k) {
          p[k] *= noise.transition[k * n + given];
        }
        p /= p.sum();
        EXPECT_NEAR(row.p_correct, p[given], rounding);
        EXPECT_NEAR(row.p_suggested, p[row.suggested], 1e-7) << "a float";
        (row.p_correct < 0.5 ? n_suspect : n_kept) += 1;
        EXPECT_EQ(row.p_correct < 0.5, row.suggested != given);
        for (Index k = 0; k < n; ++k) {
          EXPECT_TRUE(p[k] <= p[row.suggested] + rounding || (row.p_correct < 0.5 && k == given));
        }
      }
    }
  }
  EXPECT_GT(n_suspect, 100);
  EXPECT_GT(n_kept, 100);
}

TEST(LabelNoise, ARowAsLikelyRightAsWrongKeepsItsLabel) {
  for (const Label given : {0, 1}) {
    const LabelNoise noise{
        .n_classes = 2, .transition = first_transition(2), .prior = Vec::Constant(2, 0.5), .by_row = true};
    const Vec judge = Vec::Zero(2);
    Vec work(4);
    const RowPosterior row = posterior(noise, as_span(judge), {}, given, as_span(work));
    EXPECT_EQ(row.p_correct, 0.5);
    EXPECT_EQ(row.suggested, given);
    EXPECT_EQ(row.p_suggested, 0.5F);
  }
}

TEST(LabelNoise, ByRowTheTransitionSaysNothing) {
  SCOPED_TRACE(test::seed_text());
  LabelNoise noise = random_noise(4, 30);
  noise.by_row = true;
  const Vec judge = random_distributions(1, 4, 31).array().log().matrix();
  const Vec trusted = random_distributions(1, 4, 32).array().log().matrix();
  Vec work(8);
  const RowPosterior before = posterior(noise, as_span(judge), as_span(trusted), 2, as_span(work));
  Vec q(4);
  mix(noise.judge_weight, as_span(judge), noise.trusted_weight, as_span(trusted), as_span(q));
  EXPECT_EQ(before.p_correct, q[2]);
  noise.transition = random_distributions(4, 4, 33);
  const RowPosterior after = posterior(noise, as_span(judge), as_span(trusted), 2, as_span(work));
  EXPECT_EQ(before.p_correct, after.p_correct);
  EXPECT_EQ(before.suggested, after.suggested);
}

TEST(LabelNoise, OfOneClassEveryLabelIsRight) {
  for (const bool by_row : {false, true}) {
    const LabelNoise noise{.n_classes = 1, .transition = Vec::Ones(1), .prior = Vec::Ones(1), .by_row = by_row};
    const Vec judge = Vec::Constant(1, -0.3);
    Vec work(2);
    const RowPosterior row = posterior(noise, as_span(judge), {}, 0, as_span(work));
    EXPECT_EQ(row.p_correct, 1);
    EXPECT_EQ(row.suggested, 0);
    EXPECT_EQ(row.p_suggested, 1);
  }
}

TEST(LabelNoise, PackedAndUnpackedItIsTheSame) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n : {1, 2, 5}) {
    for (const bool by_row : {false, true}) {
      LabelNoise noise = random_noise(n, 40);
      noise.by_row = by_row;
      noise.trusted_noise_rate = 0.075;
      noise.trusted_value = 0.3;
      noise.row_visits = 1e9 + 7;
      noise.n_steps = 896;
      const Vec packed = pack(noise);
      ASSERT_EQ(packed.size(), packed_size(n));
      const LabelNoise again = unpack_label_noise(packed, n);
      EXPECT_EQ(again.n_classes, n);
      EXPECT_EQ(again.transition, noise.transition);
      EXPECT_EQ(again.prior, noise.prior);
      EXPECT_EQ(again.judge_weight, noise.judge_weight);
      EXPECT_EQ(again.trusted_weight, noise.trusted_weight);
      EXPECT_EQ(again.by_row, by_row);
      EXPECT_EQ(again.trusted_noise_rate, noise.trusted_noise_rate);
      EXPECT_EQ(again.trusted_value, noise.trusted_value);
      EXPECT_EQ(again.row_visits, noise.row_visits);
      EXPECT_EQ(again.n_steps, noise.n_steps);
      EXPECT_EQ(pack(again), packed);
    }
  }
}

}  // namespace
}  // namespace meha
