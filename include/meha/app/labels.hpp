// SPDX-License-Identifier: MIT
// What a job does about labels in doubt: how their models are trained, and what people and result.h5 are told.
#pragma once

#include <string>
#include <vector>

#include "meha/core/options.hpp"
#include "meha/io/state_file.hpp"
#include "meha/solver/label_answer.hpp"

namespace meha {

/// How the models of labels are trained: Adam's step sizes suit features of order one.
AnswerPlan answer_plan(const Options& options, const CrossFit& problem);

/// Whether x and y begin at models of the labels.
bool begins_with_labels(const Options& options, Problem& problem);

/// What a person should know of the answer besides its numbers.
std::string sentences_of(const CrossFit& problem, const Answer& answer);

/// /noise and /model of result.h5; nothing without an answer. @param text  sentences_of()
std::vector<Attachment> attachments_of(const Answer& answer, const std::string& text);

}  // namespace meha
