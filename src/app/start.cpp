// SPDX-License-Identifier: MIT
#include "meha/app/start.hpp"

#include <iostream>

#include "meha/data/data_options.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/solver/best_state.hpp"
#include "meha/solver/timed.hpp"

namespace meha {
namespace {

/// A person may want just this; rows of the same number in another order are more likely a mistake.
void warn_of_other_data(const std::string& file, const std::string& fingerprint) {
  const Hdf5File state = Hdf5File::open(file, ExitCode::Checkpoint);
  if (state.has("/state/x") && state.has_attribute("/", "data_fingerprint") &&
      state.text_attribute("/", "data_fingerprint") != fingerprint) {
    std::cerr << "warning: run.initial_state = " << file << ": was made with other data (data_fingerprint "
              << state.text_attribute("/", "data_fingerprint") << ", here " << fingerprint
              << "): its x is taken row by row all the same\n";
  }
}

}  // namespace

State start_of(const Options& options, Oracle& oracle, const ModelChoice& choice, bool has_same_rows) {
  Problem& problem = oracle.problem();
  State start;
  start.add("x", oracle.per_row(), oracle.stored_x_size());
  start.add("y", false, problem.n_y());
  problem.start(start["x"], start["y"]);
  if (begins_with_labels(options, problem)) {
    add_label_fields(start, problem.doubtful_labels()->cross_fit());
    timed(oracle, &Timings::start, Stage::SetUp, [&] {
      AnswerPlan plan = answer_plan(options, problem.doubtful_labels()->cross_fit());
      plan.n_row_visits = choice.n_row_visits;
      start_from_labels(oracle, plan, start);
      trust_surest(oracle, start);
    });
  }
  const Path& initial = options.run.initial_state;
  if (!initial.empty()) {
    if (oracle.per_row() && !has_same_rows) {
      oracle.comm().root_or_none([&] { warn_of_other_data(initial.value, fingerprint_of(problem)); });
    }
    read_state(initial.value, oracle.comm(), start, oracle.stored_rows(), {"x", "y"});
  }
  return start;
}

void fill_state(const Options& options, const Origin& origin, const State& start, Oracle& oracle, Algorithm& algorithm,
                State& state) {
  Problem& problem = oracle.problem();
  algorithm.add_fields(oracle, state);
  if (begins_with_labels(options, problem)) {
    add_label_fields(state, problem.doubtful_labels()->cross_fit());
  }
  if (options.problem.of<DataOptions>().n_holdout > 0) {
    add_best_state(state, algorithm.variables());
  }
  if (!origin.file.empty()) {
    read_state(origin.file, oracle.comm(), state, oracle.stored_rows());
    state.iteration = origin.record.iteration;
    trust_surest(oracle, state);
    return;
  }
  for (const Field& field : start.fields()) {
    state[field.name] = field.values;
  }
  algorithm.init(oracle, state);
  const Path& initial = options.run.initial_state;
  if (!initial.empty()) {
    std::vector<std::string> others;
    for (const Variable& variable : algorithm.variables()) {
      if (variable.name != "x" && variable.name != "y") {
        others.push_back(variable.name);
      }
    }
    read_state(initial.value, oracle.comm(), state, oracle.stored_rows(), others);
  }
}

}  // namespace meha
