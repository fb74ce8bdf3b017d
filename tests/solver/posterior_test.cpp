// SPDX-License-Identifier: MIT
#include "meha/solver/posterior.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "meha/problem/hyper_cleaning.hpp"
#include "meha/solver/train_models.hpp"
#include "support/label_data.hpp"

namespace meha {
namespace {

using test::LabelData;

/// A problem, models of its labels, and what they say of the noise.
struct Judged {
  Judged(const Options& options, Communicator& comm)
      : cleaning(options, comm, best_simd()), problem(cleaning.cross_fit()) {}

  /// Trains judges of all folds, as a run does.
  void train(Communicator& comm, Index block_rows) {
    Oracle oracle(problem, comm, training_setup(problem, {.block_rows = block_rows}));
    trained = cross_fit(oracle, problem, 0.1);  // of few features weights become large
    const auto n_folds = static_cast<std::size_t>(problem.n_folds());
    for (std::size_t j = 0; j < n_folds; ++j) {
      judges.judges.push_back(as_span(trained.y[j]));
    }
    for (std::size_t j = n_folds + 1; j + 1 < trained.y.size(); ++j) {
      judges.trusted_judges.push_back(as_span(trained.y[j]));
    }
    if (problem.n_rows(Level::Upper) > 0) {
      judges.trusted = as_span(std::as_const(trained.y.back()));
    }
    noise = estimate_noise(comm, problem, judges, trained.x.array().exp().matrix());
  }
  /// Share of the given labels that are wrong.
  [[nodiscard]] Real share_wrong() const {
    const SampleLabels& labels = problem.labels();
    Real wrong = 0;
    for (std::size_t i = 0; i < labels.given.size(); ++i) {
      wrong += labels.given[i] != labels.truth[i] ? 1 : 0;
    }
    return wrong / static_cast<Real>(labels.given.size());
  }

  HyperCleaning cleaning;
  CrossFit& problem;
  TrainedModels trained;
  Judges judges;
  LabelNoise noise;
};

/// N of the rows as they came out, which is what can be found.
Vec empirical_transition(const CrossFit& problem) {
  const Index n = problem.n_classes();
  Vec counts = Vec::Zero(n * n);
  for (std::size_t i = 0; i < problem.labels().given.size(); ++i) {
    counts[problem.labels().truth[i] * n + problem.labels().given[i]] += 1;
  }
  for (Index k = 0; k < n; ++k) {
    counts.segment(k * n, n) /= counts.segment(k * n, n).sum();
  }
  return counts;
}

class Posterior : public testing::Test {
 protected:
  Communicator comm_ = Communicator::world();
};

TEST_F(Posterior, OfTheTrueModelTheTransitionIsFound) {
  SCOPED_TRACE(test::seed_text());
  constexpr Real tolerance = 0.03;
  const LabelData data(comm_, {.n_train = 6000, .steepness = 25});
  Judged judged(data.options(), comm_);
  const Vec model = data.model();
  judged.judges.judges = {as_span(model)};
  const LabelNoise noise = estimate_noise(comm_, judged.problem, judged.judges, first_transition(3));
  EXPECT_LE((noise.transition - empirical_transition(judged.problem)).cwiseAbs().maxCoeff(), tolerance);
  EXPECT_LE((noise.transition - data.transition()).cwiseAbs().maxCoeff(), 0.05) << "and by chance";
  EXPECT_NEAR(noise.judge_weight, 1, 0.2) << "probabilities that are right are taken as they are";
  EXPECT_EQ(noise.trusted_weight, 0);
  EXPECT_FALSE(noise.by_row);
  EXPECT_NEAR(noise.prior.sum(), 1, 1e-9);
  Vec classes = Vec::Zero(3);
  for (const Label label : judged.problem.labels().truth) {
    classes[label] += 1.0 / 6000;
  }
  EXPECT_LE((noise.prior - classes).cwiseAbs().maxCoeff(), tolerance);

  const std::vector<RowPosterior> rows = posteriors(comm_, judged.problem, judged.judges, noise);
  ASSERT_EQ(rows.size(), 6000U);
  const Metrics metrics = detection_metrics(comm_, judged.problem, rows);
  EXPECT_NEAR(metrics.find("noise_rate").value(), judged.share_wrong(), tolerance);
  EXPECT_LE(metrics.find("calibration_error").value(), tolerance);
  EXPECT_GE(metrics.find("detection_auroc").value(), 0.9);
}

TEST_F(Posterior, WithTrustedRowsTheTransitionIsFound) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 4000, .n_validation = 400});
  Judged judged(data.options(), comm_);
  judged.train(comm_, 64);
  EXPECT_LE((judged.noise.transition - empirical_transition(judged.problem)).cwiseAbs().maxCoeff(), 0.1);
  EXPECT_FALSE(judged.noise.by_row);
  EXPECT_LE(judged.noise.trusted_noise_rate, 0.02);
  EXPECT_GT(judged.noise.trusted_value, 0);
  EXPECT_LT(judged.noise.trusted_value, 0.6) << "nats";
  const Metrics metrics =
      detection_metrics(comm_, judged.problem, posteriors(comm_, judged.problem, judged.judges, judged.noise));
  EXPECT_NEAR(metrics.find("noise_rate").value(), judged.share_wrong(), 0.05);
  EXPECT_LE(metrics.find("calibration_error").value(), 0.06);
  EXPECT_GE(metrics.find("detection_f1").value(), 0.65);
}

TEST_F(Posterior, WithoutTrustedRowsTheTransitionIsFoundRoughly) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 4000, .n_validation = 0});
  Judged judged(data.options(), comm_);
  judged.train(comm_, 64);
  EXPECT_LE((judged.noise.transition - empirical_transition(judged.problem)).cwiseAbs().maxCoeff(), 0.15);
  const Metrics metrics =
      detection_metrics(comm_, judged.problem, posteriors(comm_, judged.problem, judged.judges, judged.noise));
  EXPECT_NEAR(metrics.find("noise_rate").value(), judged.share_wrong(), 0.08);
  EXPECT_GE(metrics.find("detection_auroc").value(), 0.85);
  EXPECT_EQ(judged.noise.trusted_weight, 0);
  EXPECT_EQ(judged.noise.trusted_value, 0);
  EXPECT_EQ(judged.noise.trusted_noise_rate, 0);
}

TEST_F(Posterior, WithoutWrongLabelsFewRowsAreSuspect) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 3000, .steepness = 40, .wrong = LabelData::Wrong::Never});
  Judged judged(data.options(), comm_);
  judged.train(comm_, 64);
  const Metrics metrics =
      detection_metrics(comm_, judged.problem, posteriors(comm_, judged.problem, judged.judges, judged.noise));
  EXPECT_LE(metrics.find("noise_rate").value(), 0.02);
  EXPECT_FALSE(metrics.find("detection_auroc")) << "no wrong label to be found";
  EXPECT_FALSE(metrics.find("detection_recall"));
}

TEST_F(Posterior, NoiseIsByRowWhereModelsOfTrustedRowsAreBetterThanThoseOfAllRows) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_validation = 300});
  Judged judged(data.options(), comm_);
  const LabelData quiet_data(comm_, {.n_validation = 300, .wrong = LabelData::Wrong::Never});
  Judged quiet(quiet_data.options(), comm_);
  const Vec good = data.model();
  const Vec bad = test::random_vector(judged.problem.n_y(), 3, 12);
  const Vec quiet_good = quiet_data.model();
  const LabelNoise by_row = estimate_noise(
      comm_, quiet.problem,
      {.judges = {as_span(bad)}, .trusted = as_span(quiet_good), .trusted_judges = {as_span(quiet_good)}},
      first_transition(3));
  EXPECT_TRUE(by_row.by_row);
  EXPECT_NEAR(by_row.trusted_weight, 1, 0.35);
  EXPECT_LE(by_row.judge_weight, 0.3);
  const LabelNoise known = estimate_noise(
      comm_, judged.problem, {.judges = {as_span(bad)}, .trusted = as_span(good), .trusted_judges = {as_span(good)}},
      first_transition(3));
  EXPECT_FALSE(known.by_row) << "N knows of the wrong labels";
  EXPECT_NEAR(known.trusted_weight, 1, 0.35);
  const LabelNoise by_class = estimate_noise(
      comm_, judged.problem, {.judges = {as_span(good)}, .trusted = as_span(bad), .trusted_judges = {as_span(bad)}},
      first_transition(3));
  EXPECT_FALSE(by_class.by_row);
  EXPECT_NEAR(by_class.judge_weight, 1, 0.35);
  EXPECT_LE(by_class.trusted_weight, 0.3);
}

TEST_F(Posterior, WrongTrustedLabelsAreNoticed) {
  SCOPED_TRACE(test::seed_text());
  for (const Real rate : {0.0, 0.2, 0.4}) {
    const LabelData data(comm_, {.n_train = 4000, .n_validation = 800, .steepness = 40, .trusted_noise = rate});
    Judged judged(data.options(), comm_);
    judged.train(comm_, 64);
    EXPECT_NEAR(judged.noise.trusted_noise_rate, rate, rate > 0 ? 0.08 : 0.02);
  }
}

TEST_F(Posterior, OneModelJudgesAllRowsAndFoldsTheirOwn) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 500});
  Judged judged(data.options(), comm_);
  const Index n_folds = judged.problem.n_folds();
  std::vector<Vec> models;
  for (Index fold = 0; fold < n_folds; ++fold) {
    models.push_back(test::random_vector(judged.problem.n_y(), fold, 5));
  }
  const LabelNoise noise{
      .n_classes = 3, .transition = data.transition(), .prior = Vec::Constant(3, 1.0 / 3), .judge_weight = 0.7};
  Judges by_fold;
  std::vector<std::vector<RowPosterior>> alone;
  for (const Vec& model : models) {
    by_fold.judges.push_back(as_span(model));
    alone.push_back(posteriors(comm_, judged.problem, {.judges = {as_span(model)}}, noise));
  }
  const std::vector<RowPosterior> together = posteriors(comm_, judged.problem, by_fold, noise);
  for (std::size_t i = 0; i < together.size(); ++i) {
    const auto fold = static_cast<std::size_t>(judged.problem.fold(Level::Lower, static_cast<Index>(i)));
    EXPECT_EQ(together[i].p_correct, alone[fold][i].p_correct);
    EXPECT_EQ(together[i].suggested, alone[fold][i].suggested);
  }
}

TEST_F(Posterior, ModelsOfTrustedRowsCountAsMuchAsTheirWeightSays) {
  SCOPED_TRACE(test::seed_text());
  const LabelData data(comm_, {.n_train = 500});
  Judged judged(data.options(), comm_);
  const Vec judge = test::random_vector(judged.problem.n_y(), 1, 5);
  const Vec trusted = test::random_vector(judged.problem.n_y(), 2, 5);
  const LabelNoise noise{.n_classes = 3,
                         .transition = data.transition(),
                         .prior = Vec::Constant(3, 1.0 / 3),
                         .judge_weight = 0.8,
                         .trusted_weight = 0.5};
  const std::vector<RowPosterior> rows =
      posteriors(comm_, judged.problem, {.judges = {as_span(judge)}, .trusted = as_span(trusted)}, noise);
  std::vector<Index> blocks;
  for (Index id = 0; id < judged.problem.rows().of(Level::Lower).plan().n_blocks(); ++id) {
    blocks.push_back(id);
  }
  const std::vector<InSpan> models = {as_span(judge), as_span(trusted)};
  Vec work(6);
  judged.problem.visit(Level::Lower, blocks, models, [&](Index row, Label given, InSpan q) {
    std::vector<Real> log_q;
    std::ranges::transform(q, std::back_inserter(log_q), log_probability);
    const RowPosterior expected = posterior(noise, InSpan(log_q).first(3), InSpan(log_q).last(3), given, as_span(work));
    const RowPosterior& found = rows[static_cast<std::size_t>(row)];
    EXPECT_EQ(found.p_correct, expected.p_correct);
    EXPECT_EQ(found.suggested, expected.suggested);
    EXPECT_EQ(found.p_suggested, expected.p_suggested);
  });
}

}  // namespace
}  // namespace meha
