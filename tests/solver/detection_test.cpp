// SPDX-License-Identifier: MIT
#include "meha/solver/detection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "meha/problem/hyper_cleaning.hpp"
#include "support/label_data.hpp"

namespace meha {
namespace {

using test::LabelData;

class DetectionTest : public testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
};

TEST_F(DetectionTest, MetricsAreTheFormulas) {
  SCOPED_TRACE(test::seed_text());
  constexpr Index n = 700;
  const LabelData data(comm_, {.n_train = n});
  HyperCleaning cleaning(data.options(), comm_, best_simd());
  CrossFit& of_labels = cleaning.cross_fit();
  std::vector<RowPosterior> rows(n);
  for (Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool is_right = of_labels.labels().given[at] == of_labels.labels().truth[at];
    const Real p = 0.5 + 0.5 * test::random_value(5, i);
    rows[at].p_correct = is_right ? std::sqrt(p) : p;
  }
  rows[0].p_correct = 1;
  rows[1].p_correct = 0;
  rows[2].p_correct = 0.5;  // kept

  Real share_wrong = 0, found = 0, flagged = 0, wrong = 0, wins = 0, pairs = 0;
  Vec excess = Vec::Zero(10);
  const auto is_right = [&](std::size_t i) { return of_labels.labels().given[i] == of_labels.labels().truth[i]; };
  for (std::size_t i = 0; i < n; ++i) {
    const Real p = rows[i].p_correct;
    share_wrong += (1 - p) / n;
    wrong += is_right(i) ? 0 : 1;
    flagged += p < 0.5 ? 1 : 0;
    found += p < 0.5 && !is_right(i) ? 1 : 0;
    excess[std::min<Index>(9, static_cast<Index>(10 * p))] += p - (is_right(i) ? 1 : 0);
    for (std::size_t j = 0; j < n && is_right(i); ++j) {
      if (!is_right(j)) {
        pairs += 1;
        wins += rows[j].p_correct < p ? 1 : rows[j].p_correct == p ? 0.5 : 0;
      }
    }
  }
  constexpr Real rounding = 1e-12;
  const Metrics metrics = detection_metrics(comm_, of_labels, rows);
  EXPECT_NEAR(metrics.find("noise_rate").value(), share_wrong, rounding);
  EXPECT_NEAR(metrics.find("detection_auroc").value(), wins / pairs, 1e-3) << "in steps of log-odds";
  EXPECT_EQ(metrics.find("detection_precision"), found / flagged);
  EXPECT_EQ(metrics.find("detection_recall"), found / wrong);
  EXPECT_EQ(metrics.find("detection_f1"), 2 * found / (flagged + wrong));
  EXPECT_NEAR(metrics.find("calibration_error").value(), excess.cwiseAbs().sum() / n, rounding);
}

TEST_F(DetectionTest, OfPosteriorsThatAreAlikeTheAreaIsHalf) {
  const LabelData data(comm_, {.n_train = 200});
  HyperCleaning cleaning(data.options(), comm_, best_simd());
  CrossFit& of_labels = cleaning.cross_fit();
  const std::vector<RowPosterior> rows(200, {.p_correct = 0.9});
  const Metrics metrics = detection_metrics(comm_, of_labels, rows);
  EXPECT_EQ(metrics.find("detection_auroc"), 0.5);
  EXPECT_FALSE(metrics.find("detection_precision")) << "nothing was flagged";
  EXPECT_EQ(metrics.find("detection_recall"), 0);
  EXPECT_EQ(metrics.find("detection_f1"), 0);
}

TEST_F(DetectionTest, WithoutTruthTheNoiseRateIsAllThereIs) {
  const LabelData data(comm_, {.n_train = 200});
  HyperCleaning cleaning(data.options(), comm_, best_simd());
  CrossFit& of_labels = cleaning.cross_fit();
  SampleLabels labels = of_labels.labels();
  labels.truth = {};
  ClassifiedRows& rows_of_it = const_cast<ClassifiedRows&>(of_labels.rows());  // as a problem without truth has them
  const CrossFit problem(rows_of_it, labels, 0, "auto");
  const Metrics metrics = detection_metrics(comm_, problem, std::vector<RowPosterior>(200, {.p_correct = 0.75}));
  EXPECT_NEAR(metrics.find("noise_rate").value(), 0.25, 1e-12);
  EXPECT_EQ(metrics.values.size(), 1U);
}

}  // namespace
}  // namespace meha
