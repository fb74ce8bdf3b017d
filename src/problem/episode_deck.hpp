// SPDX-License-Identifier: MIT
// The few-shot tasks of hyper-representation: which classes they are of, and the episodes drawn from these.
#pragma once

#include <vector>

#include "meha/core/options.hpp"
#include "meha/data/episodes.hpp"
#include "meha/problem/hyper_representation.hpp"

namespace meha {

/// Tasks to train on, of some classes, and to evaluate on, of the others.
struct Deck {
  Episodes training, evaluation;
};

/// Errors: Error(Config) for options that few-shot tasks do not go with.
void check_episode_options(const ProblemOptions& problem);

/// Returns how many classes are left to evaluation.
Index n_held_out(const FewShotOptions& tasks);

/// Numbers the classes anew, those of problem.held_out_classes last, the others in their order.
/// Errors: Error(Config) for a class that does not exist or is named twice.
void put_last(const std::vector<Index>& held_out, Split& split);

/// Draws the tasks, each a function of seed and number.
Deck draw_deck(const Split& split, const FewShotOptions& tasks, const EpisodePlan& training,
               const EpisodePlan& evaluation, Index seed);

EpisodePlan plan_of(const FewShotOptions& tasks, Index n_tasks);

}  // namespace meha
