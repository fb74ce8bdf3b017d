// SPDX-License-Identifier: MIT
#include "meha/app/labels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "meha/io/samples.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/cross_fit.hpp"

namespace meha {

bool may_be_mlp(const Options& options, Index n_features, Storage element) {
  constexpr Index most_parameters = Index{1} << 20;
  const auto& network = options.problem.of<NetworkOptions>();
  Index width = n_features;
  Index n_parameters = 0;
  for (const Index units : network.hidden) {
    n_parameters += (width + 1) * units;
    width = units;
  }
  return options.problem.of<ModelOptions>().model == "auto" &&
         options.problem.of<LabelModelOptions>().start == "trusted" && n_parameters <= most_parameters &&
         element != Storage::Sparse && options.problem.of<InitOptions>().init != "zero" &&
         network.activation != "tanh" && options.run.initial_state.empty();
}

AnswerPlan answer_plan(const Options& options, const CrossFit& problem) {
  return {.setup = oracle_setup(options),
          .learning_rate = usual_step_size(problem),
          .refits = options.problem.of<LabelModelOptions>().refit};
}

std::string precision_of(const Options& options, Storage element, Index n_classes, const QuickPrecisions& quick) {
  if (options.run.precision != "auto") {
    return options.run.precision;
  }
  constexpr Index few_classes = 4;
  const bool has_bytes = element == Storage::UInt8;
  const bool is_mlp = options.problem.of<ModelOptions>().model == "mlp";
  if (quick.bfloat16 && (has_bytes || (is_mlp && element != Storage::Sparse))) {
    return "bfloat16";
  }
  return quick.int16 && has_bytes && (is_mlp || n_classes > few_classes) ? "int16" : "float32";
}

ModelChoice choose_model(Options& options, Problem& problem, Communicator& comm, Simd simd,
                         const std::function<Requests()>& poll, const std::function<void(Real)>& progress) {
  constexpr Real least_gain = 0.05;  // a perceptron takes some ten times as long
  const Options wanted = options;
  const bool is_open = wanted.problem.of<ModelOptions>().model == "auto";
  const QuickPrecisions quick = quick_precisions(comm, simd);
  DoubtfulLabels* const doubtful = problem.doubtful_labels();
  if (doubtful == nullptr) {
    options.problem.of<ModelOptions>().model = is_open ? "linear" : wanted.problem.of<ModelOptions>().model;
    options.run.precision = wanted.run.precision == "auto" ? "float32" : wanted.run.precision;
    return {};
  }
  CrossFit& models = doubtful->cross_fit();
  const Storage element = models.rows().of(Level::Lower).element();
  const auto use = [&](const std::string& name) {
    options = wanted;
    options.problem.of<ModelOptions>().model = name;
    options.run.precision = precision_of(options, element, models.n_classes(), quick);
    models.use_model(options, comm, simd);
  };
  if (!is_open || !may_be_mlp(wanted, models.rows().n_features(), element)) {
    use(is_open ? "linear" : wanted.problem.of<ModelOptions>().model);
    return {};
  }
  const auto trial_of = [&](const std::string& name, Real begin, Real end) {  // parts of the work
    use(name);
    const AnswerPlan plan = answer_plan(options, models);
    Oracle oracle(models, comm, training_setup(models, plan.setup));
    oracle.poll = poll;
    oracle.progress = [&](Real part) {
      if (progress) {
        progress(begin + part * (end - begin));
      }
    };
    return loss_out_of_fold(oracle, models, plan.learning_rate);
  };
  const Trial of_mlp = trial_of("mlp", 0, 0.9);
  const Trial of_linear = trial_of("linear", 0.9, 1);
  if (of_mlp.loss < of_linear.loss * (1 - least_gain)) {
    use("mlp");
  }
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "problem.model: %s (mean loss on labels not seen: linear %.4g, mlp %.4g)",
                options.problem.of<ModelOptions>().model.c_str(), of_linear.loss, of_mlp.loss);
  return {.sentence = text.data(), .n_row_visits = of_linear.n_row_visits + of_mlp.n_row_visits};
}

bool begins_with_labels(const Options& options, Problem& problem) {
  return options.problem.of<LabelModelOptions>().start == "trusted" && problem.doubtful_labels() != nullptr;
}

namespace {

/// What the run's x and y are worth, which p_correct of a run that began with models does not rest on.
std::string sentences_of_run(const CrossFit& problem, const Answer& answer, const Metrics& last) {
  constexpr Real small_share = 0.05;
  std::string text;
  const auto with = [&](const char* sentence, Real one, Real other) {
    std::array<char, 512> line{};
    std::snprintf(line.data(), line.size(), sentence, one, other);
    text += line.data();
  };
  const auto fitted = last.find("upper_value");
  const auto of_chance = std::log(static_cast<Real>(problem.n_classes()));
  const Real unseen = answer.noise.trusted_value > 0 ? answer.noise.trusted_value : small_share * of_chance;
  if (fitted && problem.n_rows(Level::Upper) > 0 && *fitted < unseen / 2) {
    with(
        "warning: y fits the trusted rows better (loss %.3g) than rows that it has not seen (%.3g): they are too few\n"
        "for its parameters, and weights learnt from them say little. More trusted rows, a larger\n"
        "problem.regularisation or fewer iterations (problem.data.n_holdout chooses how many) cure that\n",
        *fitted, unseen);
  }
  if (const auto step = last.find("step_norm_x")) {
    constexpr Real far = 0.5;  // takes a weight from 0.5 to 0.62
    const Real of_row = *step / std::sqrt(static_cast<Real>(problem.n_rows(Level::Lower)));
    const Real ahead = of_row * static_cast<Real>(last.iteration) / 10;
    if (ahead > far) {
      with(
          "warning: x still moves: a tenth more iterations may change it by %.2g for each row (%.2g an iteration).\n"
          "The weights depend on where the run ends and on algorithm.penalty. More iterations or smaller steps alpha\n"
          "cure that\n",
          ahead, of_row);
    }
  }
  return text;
}

}  // namespace

std::string sentences_of(const CrossFit& problem, const Answer& answer, const Metrics& last) {
  std::string text = noise_sentences(answer.noise, problem.labels().class_names);
  if (problem.n_rows(Level::Upper) == 0) {
    text +=
        "no row was trusted: rows have judged each other, and nothing was verified; an error that most rows share is\n"
        "not found. Looking through some rows and giving them as validation_features makes all of this surer\n";
  }
  text += sentences_of_run(problem, answer, last);
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
