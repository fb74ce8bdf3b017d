// SPDX-License-Identifier: MIT
#include "meha/core/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

namespace meha {
namespace {

constexpr std::array metrics_known = {
    MetricInfo{"iteration", "completed iterations"},
    MetricInfo{"upper_value", "F(x,y)"},
    MetricInfo{"lower_value", "f(x,y) + g(x,y)"},
    MetricInfo{"gap",
               "phi(x,y) - phi(x,theta) - |theta-y|^2/(2 gamma), a lower bound of phi - v_gamma; bome: "
               "f(x,y) - f(x,y_T)"},
    MetricInfo{"residual", "largest of residual_x, residual_y, residual_theta"},
    MetricInfo{"residual_x", "|x - Proj(x - d_x)| of the last step"},
    MetricInfo{"residual_y", "|y - Prox(y - d_y)| of the last step"},
    MetricInfo{"residual_theta", "|theta - Prox(theta - eta d_theta)|/eta of the last step"},
    MetricInfo{"residual_v", "|d_v| of the last step"},
    MetricInfo{"step_norm_x", "length of the last step of x"},
    MetricInfo{"step_norm_y", "length of the last step of y"},
    MetricInfo{"error_x", "relative distance of x to the optimum"},
    MetricInfo{"error_y", "relative distance of y to the optimum"},
    MetricInfo{"test_error", "squared error on test rows: their mean; group_lasso: relative to the targets' squares"},
    MetricInfo{"test_r2", "1 - test_error relative to the variance of the test rows' targets"},
    MetricInfo{"test_accuracy", "share of test rows that y classifies as labelled"},
    MetricInfo{"few_shot_accuracy", "share of query images of held-out classes that fitted heads classify as labelled"},
    MetricInfo{"few_shot_accuracy_se", "standard error of few_shot_accuracy, over evaluation tasks"},
    MetricInfo{"untrained_accuracy", "few_shot_accuracy of the features before any training, on the same tasks"},
    MetricInfo{"untrained_accuracy_se", "standard error of untrained_accuracy, over evaluation tasks"},
    MetricInfo{"holdout_accuracy", "share of held-out rows that y classifies as labelled"},
    MetricInfo{"holdout_value", "mean loss of y on held-out rows"},
    MetricInfo{"precision", "share of truly clean rows among those kept (weight >= 1/2)"},
    MetricInfo{"recall", "share of the truly clean rows that are kept"},
    MetricInfo{"f1", "harmonic mean of precision and recall"},
    MetricInfo{"auroc", "probability that a clean row has a larger weight than a corrupted one"},
    MetricInfo{"rows_kept", "training rows with weight >= 1/2"},
    MetricInfo{"features_used", "features with a weight that is not 0 for some class"},
    MetricInfo{"noise_rate", "estimated share of wrong labels: mean of 1 - p_correct"},
    MetricInfo{"detection_auroc", "probability that a wrong label has a smaller p_correct than a right one"},
    MetricInfo{"detection_precision", "share of wrong labels among suspect rows (p_correct < 1/2)"},
    MetricInfo{"detection_recall", "share of the wrong labels that are suspect"},
    MetricInfo{"detection_f1", "harmonic mean of detection_precision and detection_recall"},
    MetricInfo{"calibration_error", "mean difference of p_correct and the share of right labels, in ten intervals"},
    MetricInfo{"trusted_detection_auroc", "detection_auroc of a model of the trusted rows alone"},
    MetricInfo{"trusted_detection_f1",
               "detection_f1 of that model, a row being suspect where another class is likelier"},
    MetricInfo{"trusted_noise_rate", "estimated share of wrong labels among the trusted rows"},
    MetricInfo{"trusted_value", "mean loss of trusted rows by models that have not seen them"},
    MetricInfo{"model_accuracy", "test accuracy of the model that export --what model writes"},
    MetricInfo{"refit_soft", "test accuracy: trusted rows, and all others by how sure their labels are"},
    MetricInfo{"refit_kept", "… trusted rows and the rows kept (p_correct >= 1/2)"},
    MetricInfo{"refit_kept_only", "… the rows kept alone"},
    MetricInfo{"refit_corrupted", "… trusted rows and all others as given"},
    MetricInfo{"refit_validation", "… trusted rows alone"},
    MetricInfo{"refit_clean", "… trusted rows and those whose labels are truly right"},
    MetricInfo{"start_row_visits", "row visits of the models that the run starts from and of their choice: rows times models"},
    MetricInfo{"solved_upper_value", "F for the run's x, with the lower level solved as in the random search"},
    MetricInfo{"search_upper_value",
               "least F of a random search over x (problem.random_search times the run's passes)"},
    MetricInfo{"search_shared_upper_value", "… among the trials with one number for all entries of x"},
    MetricInfo{"search_test_accuracy", "test_accuracy of the search's best trial"},
    MetricInfo{"search_test_error", "test_error of the search's best trial"},
    MetricInfo{"search_trials", "trials of the random search"},
    MetricInfo{"lower_visits", "visits of training rows by all iterations: rows times points"},
    MetricInfo{"upper_visits", "… of validation rows"},
    MetricInfo{"product_visits", "exact second-order products of rows: rows times directions"},
    MetricInfo{"difference_visits", "… by central differences, each two points more"},
    MetricInfo{"row_passes", "passes over the rows of an iteration's minibatches"},
    MetricInfo{"allreduces", "sums over ranks"},
    MetricInfo{"allreduce_bytes", "size of a rank's messages in these [bytes]"},
    MetricInfo{"seconds", "wall time of all lives of the run"},
    MetricInfo{"compute_s", "row kernels and local sums"},
    MetricInfo{"allreduce_s", "waiting for and doing the allreduce"},
    MetricInfo{"update_s", "updates on rank 0 and their broadcast"},
    MetricInfo{"start_s", "fitting the models that the run starts from"},
    MetricInfo{"evaluate_s", "reports, refits and random search"},
    MetricInfo{"checkpoint_s", "writing checkpoints"},
};

/// Place in the table; names that it lacks come last.
std::size_t place_of(std::string_view name) {
  static const auto places = [] {
    std::unordered_map<std::string_view, std::size_t> made;
    for (const MetricInfo& info : metrics_known) {
      made.emplace(info.name, made.size());
    }
    return made;
  }();
  const auto at = places.find(name);
  return at != places.end() ? at->second : places.size();
}

}  // namespace

std::span<const MetricInfo> metric_table() {
  return metrics_known;
}

void Metrics::set(std::string_view name, Real value) {
  if (!std::isfinite(value)) {
    return;
  }
  const auto at = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == name; });
  if (at != values.end()) {
    at->second = value;
  } else {
    values.emplace_back(name, value);
  }
}

std::optional<Real> Metrics::find(std::string_view name) const {
  for (const auto& [known, value] : values) {
    if (known == name) {
      return value;
    }
  }
  return std::nullopt;
}

void Metrics::sort() {
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return place_of(a.first) < place_of(b.first); });
}

void set_cleaning_metrics(Real clean_kept, Real corrupted_kept, Real clean_dropped, Metrics& metrics) {
  const auto ratio = [&](const char* name, Real part, Real whole) {
    if (whole > 0) {
      metrics.set(name, part / whole);
    }
  };
  ratio("precision", clean_kept, clean_kept + corrupted_kept);
  ratio("recall", clean_kept, clean_kept + clean_dropped);
  ratio("f1", 2 * clean_kept, 2 * clean_kept + corrupted_kept + clean_dropped);
}

}  // namespace meha
