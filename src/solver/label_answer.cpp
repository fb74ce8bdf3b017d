// SPDX-License-Identifier: MIT
// Long, because the start and the answer share their models.
#include "meha/solver/label_answer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace meha {
namespace {

constexpr const char* models_field = "label_models";
constexpr const char* noise_field = "label_noise";
constexpr const char* soft_name = "all rows, each label by how sure it is";
constexpr const char* trusted_name = "trusted rows alone";
constexpr const char* kept_name = "trusted rows and the rows kept (p_correct >= 1/2)";
constexpr const char* kept_only_name = "the rows kept (p_correct >= 1/2)";

bool has_trusted(const CrossFit& problem) {
  return problem.n_rows(Level::Upper) > 0;
}

Index n_models(const CrossFit& problem) {
  return problem.n_folds() + 1 + (has_trusted(problem) ? 1 : 0);
}

InSpan model_of(const State& state, const CrossFit& problem, Index number) {
  return slice(as_span(state[models_field]), {number * problem.n_y(), (number + 1) * problem.n_y()});
}

Judges judges_of(const State& state, const CrossFit& problem) {
  if (!state.has(models_field)) {
    return {.judges = {as_span(state["y"])}};
  }
  Judges judges;
  for (Index fold = 0; fold < problem.n_folds(); ++fold) {
    judges.judges.push_back(model_of(state, problem, fold));
  }
  if (has_trusted(problem)) {
    judges.trusted = model_of(state, problem, problem.n_folds() + 1);
  }
  return judges;
}

/// Whether p_correct rests on the model of trusted rows alone more than on that of all rows.
bool is_best_trusted(const LabelNoise& noise) {
  return noise.by_row && noise.trusted_weight > noise.judge_weight;
}

Oracle oracle_of(Oracle& oracle, CrossFit& problem, const AnswerPlan& plan) {
  Oracle models(problem, oracle.comm(), training_setup(problem, plan.setup));
  models.poll = oracle.poll;
  models.progress = oracle.progress;
  return models;
}

/// Rows of a level in all that each of the models classifies as labelled. Collective.
std::vector<Index> count_right(const Communicator& comm, CrossFit& problem, Level level,
                               const std::vector<InSpan>& models) {
  const auto n = static_cast<std::size_t>(problem.n_classes());
  std::vector<Index> right(models.size(), 0);
  comm.all_or_none([&] {
    problem.visit(level, problem.own_blocks(level), models, [&](Index /*row*/, Label label, InSpan all) {
      for (std::size_t model = 0; model < models.size(); ++model) {
        const InSpan q = all.subspan(model * n, n);
        right[model] += std::max_element(q.begin(), q.end()) - q.begin() == label ? 1 : 0;
      }
    });
  });
  comm.sum(right);
  return right;
}

/// How well wrong labels are found by the model of trusted rows alone: flagged where it finds another class likelier.
Metrics trusted_baseline(const Communicator& comm, CrossFit& problem, InSpan trusted) {
  Detection detection(comm, problem);
  const SampleLabels& labels = problem.labels();
  std::array<Index, 3> found{};  // flagged and wrong; flagged; wrong
  LabelNoise alone{.n_classes = problem.n_classes(), .transition = {}, .prior = {}, .by_row = true};
  visit_posteriors(comm, problem, {.judges = {trusted}}, alone, [&](Index row, const RowPosterior& posterior) {
    const auto at = static_cast<std::size_t>(row - labels.rows.begin);
    const bool flagged = posterior.p_correct < 0.5 && posterior.p_suggested > posterior.p_correct;
    const bool right = labels.truth[at] == labels.given[at];
    detection.add(row, posterior.p_correct);
    found[0] += flagged && !right ? 1 : 0;
    found[1] += flagged ? 1 : 0;
    found[2] += right ? 0 : 1;
  });
  comm.sum(found);
  Metrics metrics;
  if (const auto area = detection.metrics().find("detection_auroc")) {
    metrics.set("trusted_detection_auroc", *area);
  }
  if (found[1] + found[2] > 0) {
    metrics.set("trusted_detection_f1", static_cast<Real>(2 * found[0]) / static_cast<Real>(found[1] + found[2]));
  }
  return metrics;
}

/// A model, and the metric that its test accuracy is.
struct Named {
  const char* metric;
  InSpan y;
};

/// A model to train, likewise.
struct Comparison {
  const char* metric;
  ModelPlan plan;
};

/// The first is that of the rows kept, where any are. @param is_fitted  the run has begun with models: of all rows and of
/// trusted rows alone there are some already
std::vector<Comparison> comparisons_of(const CrossFit& problem, bool any_kept, bool is_fitted, bool knows_truth) {
  using Rows = Training::Rows;
  const bool trusted = has_trusted(problem);
  const bool is_tested = problem.n_rows(Level::Test) > 0;
  std::vector<Comparison> comparisons;
  const auto add_if = [&](bool wanted, const char* metric, Rows rows, bool doubtful, bool with_trusted) {
    if (wanted) {
      comparisons.push_back({metric, {.training = {.rows = rows}, .doubtful = doubtful, .trusted = with_trusted}});
    }
  };
  add_if(any_kept, "refit_kept", Rows::Kept, true, trusted);
  add_if(is_tested && any_kept && trusted, "refit_kept_only", Rows::Kept, true, false);
  add_if(is_tested && !is_fitted, "refit_soft", Rows::Judged, true, trusted);
  add_if(is_tested && !is_fitted && trusted, "refit_validation", Rows::Judged, false, true);
  add_if(is_tested, "refit_corrupted", Rows::AsGiven, true, trusted);
  add_if(is_tested && knows_truth, "refit_clean", Rows::Clean, true, trusted);
  return comparisons;
}

/// Trains them together, with N as it is known. Collective.
TrainedModels refit(Oracle& oracle, const AnswerPlan& plan, CrossFit& problem,
                    const std::vector<Comparison>& comparisons, const LabelNoise& noise, bool is_fitted) {
  if (comparisons.empty()) {
    return {};
  }
  std::vector<ModelPlan> plans;
  for (const Comparison& comparison : comparisons) {
    plans.push_back(comparison.plan);
  }
  Oracle models = oracle_of(oracle, problem, plan);
  const ModelKind kind = kind_of(problem);
  const Index n_steps =
      is_fitted ? steps_of_refit(models, kind, static_cast<Index>(noise.n_steps)) : usual_steps(models, kind);
  return train(models, problem, plans, noise.transition.array().log().matrix(), plan.learning_rate, n_steps);
}

/// Sets the test accuracy of each, and how well wrong labels are found by that of trusted rows alone. Collective.
void measure_models(const Communicator& comm, CrossFit& problem, const std::vector<Named>& models, bool knows_truth,
                    Metrics& metrics) {
  const Index n_test = problem.n_rows(Level::Test);
  if (n_test > 0) {
    std::vector<InSpan> ys;
    for (const Named& model : models) {
      ys.push_back(model.y);
    }
    const std::vector<Index> right = count_right(comm, problem, Level::Test, ys);
    for (std::size_t i = 0; i < models.size(); ++i) {
      metrics.set(models[i].metric, static_cast<Real>(right[i]) / static_cast<Real>(n_test));
    }
  }
  const auto trusted = std::find_if(models.begin(), models.end(), [](const Named& model) {
    return std::string_view(model.metric) == "refit_validation";
  });
  if (knows_truth && trusted != models.end()) {
    const Metrics found = trusted_baseline(comm, problem, trusted->y);
    for (const auto& [name, value] : found.values) {
      metrics.set(name, value);
    }
  }
}

void require_usable(const Requests& agreed) {
  require_not_stopped(agreed);
  if (agreed.not_finite) {
    throw Error(ExitCode::NotFinite,
                "the models that the run starts from are not finite: features of very different or very large size? "
                "problem.data.standardise = true scales them; problem.start = \"zero\" does without");
  }
}

}  // namespace

void add_label_fields(State& state, const CrossFit& problem) {
  state.add(models_field, false, n_models(problem) * problem.n_y());
  state.add(noise_field, false, packed_size(problem.n_classes()));
}

void start_from_labels(Oracle& oracle, const AnswerPlan& plan, State& state) {
  CrossFit& problem = oracle.problem().doubtful_labels()->cross_fit();
  const Communicator& comm = oracle.comm();
  Oracle models = oracle_of(oracle, problem, plan);
  const TrainedModels trained = cross_fit(models, problem, plan.learning_rate);
  require_usable(trained.agreed);

  const Index n_y = problem.n_y();
  Vec& kept = state[models_field];
  for (Index number = 0; number <= problem.n_folds(); ++number) {
    kept.segment(number * n_y, n_y) = trained.y[static_cast<std::size_t>(number)];
  }
  if (has_trusted(problem)) {
    kept.tail(n_y) = trained.y.back();
  }
  Judges judges = judges_of(state, problem);
  for (auto number = static_cast<std::size_t>(problem.n_folds() + 1); number + 1 < trained.y.size(); ++number) {
    judges.trusted_judges.push_back(as_span(trained.y[number]));
  }
  LabelNoise noise = estimate_noise(comm, problem, judges, trained.x.array().exp().matrix());
  noise.row_visits = static_cast<Real>(plan.n_row_visits + trained.n_row_visits);
  noise.n_steps = static_cast<Real>(trained.n_steps);
  state[noise_field] = pack(noise);
  const Index first_row = problem.labels().rows.begin;
  Vec x(problem.labels().rows.size());
  visit_posteriors(comm, problem, judges, noise, [&](Index row, const RowPosterior& posterior) {
    constexpr Real largest = 4;
    const Real p = std::clamp(posterior.p_correct, 1e-6, 1 - 1e-6);
    x[row - first_row] = std::clamp(std::log(p / (1 - p)), -largest, largest);
  });
  state["x"] = oracle.stored_x(std::move(x));
  const Index best = problem.n_folds() + (is_best_trusted(noise) ? 1 : 0);
  state["y"] = kept.segment(best * n_y, n_y);
}

void trust_surest(Oracle& oracle, const State& state) {
  constexpr Index n_bins = 1024;  // of p_correct: even steps of log(1 - p_correct), down to 1e-16
  constexpr Index one_in = 5;
  DoubtfulLabels* const doubtful = oracle.problem().doubtful_labels();
  if (doubtful == nullptr || !doubtful->trusts_surest()) {
    return;
  }
  CrossFit& problem = doubtful->cross_fit();
  const Communicator& comm = oracle.comm();
  const std::span<const Label> given = problem.labels().given;
  std::vector<std::uint16_t> bins(given.size());
  std::vector<Index> counts(static_cast<std::size_t>(problem.n_classes() * n_bins), 0);
  const auto count = [&](Index label, Index bin) -> Index& {
    return counts[static_cast<std::size_t>(label * n_bins + bin)];
  };
  visit_posteriors(comm, problem, judges_of(state, problem), judge_labels(oracle, state).noise,
                   [&](Index row, const RowPosterior& posterior) {
                     const auto i = static_cast<std::size_t>(row - problem.labels().rows.begin);
                     const Real surety = std::log(std::max(1 - posterior.p_correct, 1e-16)) / std::log(1e-16);
                     const Index bin = std::clamp(static_cast<Index>(surety * n_bins), Index{0}, n_bins - 1);
                     bins[i] = static_cast<std::uint16_t>(bin);
                     ++count(given[i], bin);
                   });
  comm.sum(counts);
  std::vector<Index> least_bin(static_cast<std::size_t>(problem.n_classes()), n_bins - 1);
  Index n_in_all = 0;
  for (Index label = 0; label < problem.n_classes(); ++label) {
    Index n_of_class = 0;
    for (Index bin = 0; bin < n_bins; ++bin) {
      n_of_class += count(label, bin);
    }
    Index n_taken = 0;
    Index bin = n_bins;
    while (bin > 0 && n_taken < (n_of_class + one_in - 1) / one_in) {
      n_taken += count(label, --bin);
    }
    least_bin[static_cast<std::size_t>(label)] = bin;
    n_in_all += n_taken;
  }
  std::vector<std::uint8_t> surest;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    surest.push_back(bins[i] >= least_bin[static_cast<std::size_t>(given[i])] ? 1 : 0);
  }
  doubtful->trust(std::move(surest), n_in_all);
}

Answer judge_labels(Oracle& oracle, const State& state) {
  CrossFit& problem = oracle.problem().doubtful_labels()->cross_fit();
  const Communicator& comm = oracle.comm();
  const Judges judges = judges_of(state, problem);
  Answer result;
  result.noise = state.has(noise_field) ? unpack_label_noise(state[noise_field], problem.n_classes())
                                        : estimate_noise(comm, problem, judges, first_transition(problem.n_classes()));
  if (state.has(models_field)) {
    const InSpan model = model_of(state, problem, problem.n_folds() + (is_best_trusted(result.noise) ? 1 : 0));
    result.model = Eigen::Map<const Vec>(model.data(), static_cast<Index>(model.size()));
    result.model_name = is_best_trusted(result.noise) ? trusted_name : soft_name;
  } else {
    result.model = state["y"];
    result.model_name = "the run's y";
  }
  return result;
}

std::vector<RowPosterior> posteriors(Oracle& oracle, const State& state, const LabelNoise& noise) {
  CrossFit& problem = oracle.problem().doubtful_labels()->cross_fit();
  return posteriors(oracle.comm(), problem, judges_of(state, problem), noise);
}

Answer answer(Oracle& oracle, const AnswerPlan& plan, State& state) {
  CrossFit& problem = oracle.problem().doubtful_labels()->cross_fit();
  const Communicator& comm = oracle.comm();
  Answer result = judge_labels(oracle, state);
  Detection detection(comm, problem);
  std::vector<std::uint8_t> kept(problem.labels().given.size());
  result.posteriors.resize(plan.keeps_posteriors ? kept.size() : 0);
  visit_posteriors(comm, problem, judges_of(state, problem), result.noise,
                   [&](Index row, const RowPosterior& posterior) {
                     const auto i = static_cast<std::size_t>(row - problem.labels().rows.begin);
                     detection.add(row, posterior.p_correct);
                     kept[i] = posterior.p_correct >= 0.5 ? 1 : 0;
                     if (plan.keeps_posteriors) {
                       result.posteriors[i] = posterior;
                     }
                   });
  result.metrics = detection.metrics();
  Index n_kept = std::count(kept.begin(), kept.end(), std::uint8_t{1});
  comm.sum({&n_kept, 1});
  problem.set_kept(std::move(kept));

  const bool is_fitted = state.has(models_field);
  const bool knows_truth = result.metrics.find("detection_auroc").has_value();
  std::vector<Named> models;  // whose test accuracy is measured
  if (is_fitted) {
    result.metrics.set("start_row_visits", result.noise.row_visits);
    models.push_back({"refit_soft", model_of(state, problem, problem.n_folds())});
  }
  if (is_fitted && has_trusted(problem)) {
    result.metrics.set("trusted_noise_rate", result.noise.trusted_noise_rate);
    result.metrics.set("trusted_value", result.noise.trusted_value);
    models.push_back({"refit_validation", model_of(state, problem, problem.n_folds() + 1)});
  }
  TrainedModels trained;
  if (plan.refits) {
    const std::vector<Comparison> comparisons = comparisons_of(problem, n_kept > 0, is_fitted, knows_truth);
    trained = refit(oracle, plan, problem, comparisons, result.noise, is_fitted);
    result.agreed = trained.agreed;
    if (result.agreed.not_finite || result.agreed.stop || result.agreed.time_limit) {
      return result;
    }
    for (std::size_t i = 0; i < comparisons.size(); ++i) {
      models.push_back({comparisons[i].metric, as_span(std::as_const(trained.y[i]))});
    }
    if (n_kept > 0) {
      result.model = trained.y.front();
      result.model_name = has_trusted(problem) ? kept_name : kept_only_name;
    }
  }
  models.push_back({"model_accuracy", as_span(std::as_const(result.model))});
  measure_models(comm, problem, models, knows_truth, result.metrics);
  return result;
}

}  // namespace meha
