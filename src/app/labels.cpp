// SPDX-License-Identifier: MIT
#include "meha/app/labels.hpp"

#include <algorithm>

#include "meha/app/setup.hpp"
#include "meha/io/samples.hpp"

namespace meha {

AnswerPlan answer_plan(const Options& options, const CrossFit& problem) {
  // a step of a linear model changes its logits by the sum of all features' steps
  const Real few_features = std::clamp(784 / static_cast<Real>(problem.rows().n_features()), 1.0, 10.0);
  return {.setup = oracle_setup(options),
          .learning_rate = options.problem.model == "linear" ? 0.01 * few_features : 0.004,
          .refits = options.problem.refit};
}

bool begins_with_labels(const Options& options, Problem& problem) {
  return options.problem.start == "trusted" && problem.cross_fit() != nullptr;
}

std::string sentences_of(const CrossFit& problem, const Answer& answer) {
  std::string text = noise_sentences(answer.noise, problem.labels().class_names);
  if (problem.n_rows(Level::Upper) == 0) {
    text +=
        "no row was trusted: rows have judged each other, and nothing was verified; an error that most rows share is\n"
        "not found. Looking through some rows and giving them as validation_features makes all of this surer\n";
  }
  const auto mine = answer.metrics.find("detection_f1");
  const auto simple = answer.metrics.find("trusted_detection_f1");
  if (mine && simple && *simple > *mine) {
    text += "a model of the trusted rows alone finds the wrong labels better (trusted_detection_f1) than this run\n";
  }
  return text;
}

std::vector<Attachment> attachments_of(const Answer& answer, const std::string& text) {
  const LabelNoise& noise = answer.noise;
  if (noise.n_classes == 0) {
    return {};
  }
  const Index n = noise.n_classes;
  return {{"/noise", "transition", {n, n}, noise.transition, "text", text},
          {"/noise", "prior", {n}, noise.prior},
          {"/noise", "temperature", {1}, Vec::Constant(1, 1 / std::max(noise.judge_weight, 1e-6))},
          {"/noise", "trusted_weight", {1}, Vec::Constant(1, noise.trusted_weight)},
          {"/model", "y", {answer.model.size()}, answer.model, "trained_on", answer.model_name}};
}

}  // namespace meha
