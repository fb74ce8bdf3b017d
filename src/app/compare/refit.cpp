// SPDX-License-Identifier: MIT
#include "refit.hpp"

#include <algorithm>

#include "meha/app/labels.hpp"
#include "meha/comm/ranking.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/solver/train_models.hpp"

namespace meha {
namespace {

constexpr const char* trusted_only_name = "trusted_only";
constexpr const char* trim_name = "trim";

constexpr const char* truly_clean_name = "truly_clean";

/// Trains models of doubtful labels, and looks at what they say.
class Models {
 public:
  Models(Communicator& comm, CrossFit& problem, const Options& options, const std::function<Requests()>& poll)
      : comm_(comm),
        problem_(problem),
        plan_(answer_plan(options, problem)),
        oracle_(problem, comm, training_setup(problem, plan_.setup)) {
    oracle_.poll = poll;
  }

  [[nodiscard]] bool has_trusted() const { return problem_.n_rows(Level::Upper) > 0; }

  Vec train(Training::Rows rows, bool doubtful) {
    const ModelPlan plan{.training = {.rows = rows}, .doubtful = doubtful, .trusted = has_trusted()};
    const Vec no_noise = first_transition(problem_.n_classes()).array().log().matrix();
    TrainedModels trained = meha::train(oracle_, problem_, {&plan, 1}, no_noise, plan_.learning_rate,
                                        usual_steps(oracle_, kind_of(problem_)));
    require_not_stopped(trained.agreed);
    if (trained.agreed.not_finite) {
      throw Error(ExitCode::NotFinite, "the models to compare with are not finite: features of very large size?");
    }
    n_row_visits_ += trained.n_row_visits;
    return std::move(trained.y.front());
  }

  /// Keeps the rows whose given label this model finds likeliest, and measures both. Collective.
  Metrics look(const Vec& y) {
    Metrics metrics;
    const SampleLabels& labels = problem_.labels();
    std::vector<Real> scores;
    std::vector<std::uint8_t> kept;
    std::vector<Index> counts(
        5, 0);  // clean and kept; corrupted and kept; clean and dropped; right and all of the test rows
    comm_.all_or_none([&] {
      const std::vector<InSpan> model = {as_span(y)};
      problem_.visit(Level::Lower, problem_.own_blocks(Level::Lower), model, [&](Index row, Label label, InSpan q) {
        const auto at = static_cast<std::size_t>(row - labels.rows.begin);
        const bool keeps = std::ranges::max_element(q) - q.begin() == label;
        const bool is_clean = labels.knows_truth && labels.is_clean[at] != 0;
        kept.push_back(keeps ? 1 : 0);
        scores.push_back(log_probability(q[static_cast<std::size_t>(label)]));
        counts[keeps ? (is_clean ? 0 : 1) : 2] += keeps || is_clean ? 1 : 0;
      });
      problem_.visit(Level::Test, problem_.own_blocks(Level::Test), model, [&](Index, Label label, InSpan q) {
        counts[3] += std::ranges::max_element(q) - q.begin() == label ? 1 : 0;
        ++counts[4];
      });
    });
    comm_.sum(counts);
    const auto number = [&](std::size_t i) { return static_cast<Real>(counts[i]); };
    if (counts[4] > 0) {
      metrics.set("test_accuracy", number(3) / number(4));
    }
    if (labels.knows_truth) {
      if (const auto area = auroc(comm_, scores, labels.is_clean)) {
        metrics.set("auroc", *area);
      }
      set_cleaning_metrics(number(0), number(1), number(2), metrics);
    }
    metrics.set("visits", static_cast<Real>(n_row_visits_) / static_cast<Real>(problem_.n_rows(Level::Lower)));
    problem_.set_kept(std::move(kept));
    return metrics;
  }

 private:
  Communicator& comm_;
  CrossFit& problem_;
  AnswerPlan plan_;
  Oracle oracle_;
  Index n_row_visits_ = 0;  // rows times models, so far
};

}  // namespace

std::vector<std::string> baseline_names() {
  return {trusted_only_name, trim_name, baseline_of_all_rows, truly_clean_name};
}

std::vector<Baseline> train_baselines(Contest& contest, Communicator& comm, const std::function<Requests()>& poll) {
  constexpr int n_rounds = 3;
  DoubtfulLabels* const doubtful = contest.problem->doubtful_labels();
  std::vector<Baseline> all;
  if (doubtful == nullptr) {
    return all;
  }
  CrossFit& problem = doubtful->cross_fit();
  {
    Models models(comm, problem, contest.options, poll);
    Vec y = models.train(Training::Rows::AsGiven, !models.has_trusted());
    Metrics metrics = models.look(y);
    if (models.has_trusted()) {
      all.push_back({trusted_only_name, metrics});
    }
    for (int round = 0; round < n_rounds; ++round) {
      y = models.train(Training::Rows::Kept, true);
      metrics = models.look(y);
    }
    all.push_back({trim_name, metrics});
  }
  const auto add = [&](const char* name, Training::Rows rows) {
    Models models(comm, problem, contest.options, poll);
    const Vec y = models.train(rows, true);
    all.push_back({name, models.look(y)});
  };
  if (problem.labels().knows_truth) {
    add(truly_clean_name, Training::Rows::Clean);
  }
  add(baseline_of_all_rows, Training::Rows::AsGiven);
  return all;
}

void set_refit(Oracle& oracle, const Options& options, State& state, Metrics& metrics) {
  DoubtfulLabels* const doubtful = oracle.problem().doubtful_labels();
  if (doubtful == nullptr || oracle.problem().n_rows(Level::Test) == 0) {
    return;
  }
  std::vector<std::uint8_t> kept;
  for (const Real x : oracle.owned_x(state["x"])) {
    kept.push_back(x >= 0 ? 1 : 0);  // σ(x) ≥ ½
  }
  doubtful->cross_fit().set_kept(std::move(kept));
  Models models(oracle.comm(), doubtful->cross_fit(), options, oracle.poll);
  const Vec y = models.train(Training::Rows::Kept, true);
  metrics.set("refit", models.look(y).find("test_accuracy").value_or(0));
}

}  // namespace meha
