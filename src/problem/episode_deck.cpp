// SPDX-License-Identifier: MIT
#include "episode_deck.hpp"

#include <algorithm>

#include "meha/core/error.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"

namespace meha {

void check_episode_options(const ProblemOptions& problem) {
  const auto& data = problem.of<DataOptions>();
  const auto& network = problem.of<NetworkOptions>();
  const auto& noise = problem.of<NoiseOptions>();
  if (!data.test_features.empty()) {
    throw Error(ExitCode::Config, "problem.data.test_features = " + toml(data.test_features) +
                                      ": must not be given; evaluation tasks are drawn from the classes held out "
                                      "(problem.n_held_out_classes) of the training and validation rows");
  }
  if (network.hidden.empty()) {
    throw Error(ExitCode::Config, "problem.hidden = []: must name at least one layer of features");
  }
  if (network.activation != "relu" && network.activation != "tanh") {
    throw Error(ExitCode::Config, "problem.activation = " + toml(network.activation) + ": must be one of relu|tanh");
  }
  if (noise.kind != "none") {
    throw Error(ExitCode::Config, "problem.noise.kind = " + toml(noise.kind) +
                                      ": must be \"none\": a wrong label would carry a class held out into training");
  }
}

Index n_held_out(const FewShotOptions& tasks) {
  return tasks.held_out_classes.empty() ? tasks.n_held_out_classes : static_cast<Index>(tasks.held_out_classes.size());
}

void put_last(const std::vector<Index>& held_out, Split& split) {
  std::vector<Label> number(split.class_names.size(), -1);
  Label next = static_cast<Label>(number.size() - std::min(number.size(), held_out.size()));
  for (const Index c : held_out) {
    if (c >= split.n_classes() || number[static_cast<std::size_t>(c)] >= 0) {
      throw Error(ExitCode::Config, "problem.held_out_classes: " + std::to_string(c) + " must be one of the " +
                                        std::to_string(split.n_classes()) + " classes, from 0, and be named once");
    }
    number[static_cast<std::size_t>(c)] = next++;
  }
  next = 0;
  for (Label& of_class : number) {
    of_class = of_class >= 0 ? of_class : next++;
  }
  for (Selection* rows : {&split.rows[Level::Lower], &split.rows[Level::Upper]}) {
    for (Label& label : rows->labels) {
      label = number[static_cast<std::size_t>(label)];
    }
  }
}

Deck draw_deck(const Split& split, const FewShotOptions& tasks, const EpisodePlan& training,
               const EpisodePlan& evaluation, Index seed) {
  const Index turns = tasks.rotations ? 4 : 1;
  const Index n_classes = turns * split.n_classes();
  const Index n_training = n_classes - turns * n_held_out(tasks);
  const Selection support_pool = tasks.rotations ? with_rotations(split.rows[Level::Lower]) : split.rows[Level::Lower];
  const Selection query_pool = tasks.rotations ? with_rotations(split.rows[Level::Upper]) : split.rows[Level::Upper];
  const auto draw = [&](Range classes, const EpisodePlan& plan, EpisodeSet set) {
    Episodes episodes = draw_episodes(support_pool, query_pool, classes, plan, seed, set);
    return tasks.rotations ? Episodes{turned_images(episodes.support), turned_images(episodes.query)} : episodes;
  };
  Deck deck{.training = draw({0, n_training}, training, EpisodeSet::Training), .evaluation = {}};
  if (evaluation.n_tasks > 0) {
    deck.evaluation = draw({n_training, n_classes}, evaluation, EpisodeSet::Evaluation);
  }
  return deck;
}

EpisodePlan plan_of(const FewShotOptions& tasks, Index n_tasks) {
  return {.n_tasks = n_tasks, .n_ways = tasks.n_ways, .n_shots = tasks.n_shots, .n_queries = tasks.n_queries};
}

}  // namespace meha
