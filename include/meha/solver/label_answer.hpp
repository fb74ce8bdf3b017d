// SPDX-License-Identifier: MIT
// What a person wants of a run on doubtful labels, from models of the labels (problem/cross_fit): a start for x and y, and
// at the end how sure each label is, how many are wrong, and a model to use.
//   start:  judges by fold, one model of all rows, and where rows are trusted models of these alone are trained together;
//           x⁰_i = log(p_correct_i/(1 − p_correct_i)) within ±4, y⁰ = the model of all rows (noise by row: of trusted rows)
//   answer: the posterior of every row by these judges, or, where the run began at zero, by the run's y
//   refits: the model on the trusted rows with: the rows whose p_correct is ½ or more, those alone, all rows as given, all
//           rows by the loss of noisy labels, the truly clean rows; trained together, in one pass over the rows a step
#pragma once

#include "meha/solver/posterior.hpp"
#include "meha/solver/state.hpp"
#include "meha/solver/train_models.hpp"

namespace meha {

/// Where a state file has the models.
inline constexpr const char* label_models_dataset = "/state/label_models";

struct AnswerPlan {
  Oracle::Setup setup;        // of the run
  Real learning_rate = 0.01;  // of Adam
  bool refits = true;         // the model of the rows kept; where there are test rows also those for comparison
  Index n_row_visits = 0;     // of the choice of the model, which the start's include
  bool keeps_posteriors = false;
};

/// Adds label_models (the judges, the model of all rows, that of trusted rows, one after the other) and label_noise.
void add_label_fields(State& state, const CrossFit& problem);

/// Models that answer() trains where there are trusted rows, test rows and a known truth.
/// @param is_fitted  whether the run has begun with models
constexpr Index refits_of(bool is_fitted) {
  return is_fitted ? 4 : 6;
}

/// Trains the models and fills x, y, label_models and label_noise. Collective.
/// @param oracle  of the run: for its communicator, its requests and where x is stored
/// Errors: Error(Stopped) on request; Error(NotFinite).
void start_from_labels(Oracle& oracle, const AnswerPlan& plan, State& state);

struct Answer {
  LabelNoise noise;
  Metrics metrics;                            // on every rank
  Vec model;                                  // the parameters to use
  std::string model_name;                     // what it was trained on, for people
  Requests agreed;                            // not_finite, stop or time_limit: the refits are missing
  std::vector<RowPosterior> posteriors = {};  // of the doubtful rows that this rank owns, in order, where they are kept
};

/// Collective. @param state  of the run, with x and y; label_models and label_noise where the run began with them
Answer answer(Oracle& oracle, const AnswerPlan& plan, State& state);

/// Where labels are in doubt and no rows are trusted, lets F be of the surest rows of each given class, a fifth of them.
/// Elsewhere it does nothing. Collective. @param state  of the run, with label_models and label_noise
void trust_surest(Oracle& oracle, const State& state);

/// noise, model and model_name alone. Collective.
Answer judge_labels(Oracle& oracle, const State& state);

/// The posterior of the doubtful rows that this rank owns, in order. Collective.
/// Errors: Error(Data) when rows cannot be read, on all ranks.
std::vector<RowPosterior> posteriors(Oracle& oracle, const State& state, const LabelNoise& noise);

}  // namespace meha
