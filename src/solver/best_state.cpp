// SPDX-License-Identifier: MIT
#include "meha/solver/best_state.hpp"

namespace meha {
namespace {

constexpr std::string_view prefix = "best_";
constexpr const char* score_name = "best_score";
enum Score : Index { Iteration, Loss, n_score };

/// Calls see(name of a variable, its best_ field) for every variable that State keeps the best of.
template <class AnyState, class See>
void for_each_best(AnyState& state, See&& see) {
  for (auto& field : state.fields()) {
    if (field.name.starts_with(prefix) && field.name != score_name) {
      see(field.name.substr(prefix.size()), field);
    }
  }
}

bool has_best(const State& state) {
  return state.has("best_score") && state["best_score"][Iteration] >= 0;
}

}  // namespace

bool is_better(const Metrics& a, const Metrics& b) {
  const auto loss = a.find("holdout_value");
  const auto other = b.find("holdout_value");
  return loss && (!other || *loss < *other);
}

void add_best_state(State& state, std::span<const Variable> variables) {
  for (const Variable& variable : variables) {
    const Field& field = state.field(variable.name);
    state.add(std::string(prefix) + variable.name, field.per_row, field.values.size());
  }
  state.add("best_score", false, n_score)[Iteration] = -1;
}

void keep_if_best(const Communicator& comm, State& state, const Metrics& metrics) {
  if (!state.has("best_score")) {
    return;
  }
  Vec& score = state["best_score"];
  if (comm.is_root()) {
    Metrics best;
    if (has_best(state)) {
      best.set("holdout_value", score[Loss]);
    }
    if (is_better(metrics, best)) {
      score << static_cast<Real>(state.iteration), *metrics.find("holdout_value");
    }
  }
  comm.broadcast(as_span(score));
  if (score[Iteration] == static_cast<Real>(state.iteration)) {
    for_each_best(state, [&](const std::string& variable, Field& best) { best.values = state[variable]; });
  }
}

Index solution_iteration(const State& state) {
  return has_best(state) ? static_cast<Index>(state["best_score"][Iteration]) : state.iteration;
}

void choose_best(State& state) {
  if (!has_best(state)) {
    return;
  }
  State best;
  best.iteration = solution_iteration(state);
  for_each_best(state, [&](const std::string& variable, const Field& field) {
    best.add(variable, field.per_row, 0, state.field(variable).ahead) = field.values;
  });
  for (const char* name : {"label_models", "label_noise"}) {  // of the start: the same in every state
    if (state.has(name)) {
      best.add(name, false, 0) = state[name];
    }
  }
  state = std::move(best);
}

}  // namespace meha
