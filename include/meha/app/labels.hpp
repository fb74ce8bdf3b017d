// SPDX-License-Identifier: MIT
// What a job does about labels in doubt: how their models are trained, and what people and result.h5 are told.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "meha/app/setup.hpp"
#include "meha/core/options.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/solver/label_answer.hpp"

namespace meha {

/// How the models of labels are trained: Adam's step sizes suit features of order one.
AnswerPlan answer_plan(const Options& options, const CrossFit& problem);

/// Whether problem.model = "auto" of a problem on doubtful labels may become "mlp".
bool may_be_mlp(const Options& options, Index n_features, Storage element);

/// run.precision of hyper-cleaning, "auto" resolved for this problem.model: of the quick ones "bfloat16" for perceptrons on
/// dense rows and for linear models of bytes, which bfloat16 holds exactly, or "int16" for bytes, of linear models from 5
/// classes on (with fewer, float32 is as quick); else "float32".
std::string precision_of(const Options& options, Storage element, Index n_classes, const QuickPrecisions& quick);

/// What choose_model() made of problem.model = "auto".
struct ModelChoice {
  std::string sentence;    // for people; empty where nothing was compared
  Index n_row_visits = 0;  // of the comparison
};

/// Resolves problem.model = "auto" and run.precision = "auto". Where x and y begin at models of the labels and features are
/// dense, a linear model and a perceptron are trained for a few steps, and the one with the smaller loss on rows that it was
/// not trained on is taken; the perceptron only where that is smaller by 5 %, and where it has at most 2^20 parameters.
/// Elsewhere: linear.
/// @param problem  made with `options`; it gets the model and the precision chosen
/// @param poll, progress  as Oracle's
/// Collective.    Errors: Error(Stopped) on request.
ModelChoice choose_model(Options& options, Problem& problem, Communicator& comm, Simd simd,
                         const std::function<Requests()>& poll, const std::function<void(Real)>& progress);

/// Whether x and y begin at models of the labels.
bool begins_with_labels(const Options& options, Problem& problem);

/// Returns sentences on how far the answer is to be trusted. @param last  the last report of the run
std::string sentences_of(const CrossFit& problem, const Answer& answer, const Metrics& last);

/// /noise and /model of result.h5; nothing without an answer. @param text  sentences_of()
std::vector<Attachment> attachments_of(const Answer& answer, const std::string& text);

}  // namespace meha
