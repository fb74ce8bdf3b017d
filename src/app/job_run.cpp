// SPDX-License-Identifier: MIT
#include "command_words.hpp"
#include "job_run.hpp"

#include "meha/app/labels.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/start.hpp"
#include "meha/app/summary.hpp"
#include "meha/core/version.hpp"
#include "meha/data/data_options.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/problem/problem.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/best_state.hpp"
#include "meha/solver/blow_up.hpp"
#include "meha/solver/cost.hpp"
#include "meha/solver/random_search.hpp"
#include "meha/solver/registry.hpp"
#include "meha/solver/timed.hpp"

namespace meha {
namespace {

void check_holdout(const Options& options, const Problem& problem) {
  if (options.problem.of<DataOptions>().n_holdout > 0 && problem.n_rows(Level::Holdout) == 0) {
    throw Error(ExitCode::Config,
                "problem.data.n_holdout = " + std::to_string(options.problem.of<DataOptions>().n_holdout) +
                    ": must be 0: " + options.problem.type + " measures nothing on held-out rows");
  }
}

Metrics compare_by_search(const Options& options, Oracle& oracle, State& state, Index iterations) {
  const auto [lower, upper] =
      cost_of_iteration(options.algorithm, oracle.problem().x_layout(), oracle.comm()).counts.level;
  const auto points = [](const Counts::OfLevel& level) { return level.visits + level.products + level.differences; };
  const Index per_step =
      points(lower) * oracle.n_rows_in_step(Level::Lower) + points(upper) * oracle.n_rows_in_step(Level::Upper);
  const Real of_run = static_cast<Real>(iterations) * static_cast<Real>(per_step);
  Metrics metrics;
  timed(oracle, &Timings::evaluate, Stage::Evaluate, [&] {
    metrics = random_search(
        oracle, state["x"],
        {.seed = options.run.seed, .row_visits = options.problem.of<SearchOptions>().random_search * of_run});
  });
  return metrics;
}

/// How a run of this status ends when it was asked to stop after its iterations.
Status status_after(const Requests& asked, Status status) {
  return asked.stop ? Status::Stopped : asked.time_limit ? Status::TimeLimit : status;
}

}  // namespace

std::optional<ExitCode> Job::run() {
  {
    const Doing setting_up(Stage::SetUp);
    find_checkpoint();
    deal_rows();
    check_origin();
    make_oracle();
    choose_steps();
    begin_record();
    restore();
    announce();
  }
  const Status status = iterate();
  if (status == Status::Unbalanced) {
    prepare_next_deal();
    return std::nullopt;
  }
  return finish(status);
}

void Job::say(const std::string& text) {
  if (comm_.is_root() && !text.empty()) {
    recorder_->progress().say(text);
  }
}

/// Of this very run, where it has one; a fresh run makes its directory only when its data are read.
void Job::find_checkpoint() {
  std::string simd_name = options_.run.simd;
  Index began_at_zero = 0;  // before there were other starts, or without any for the problem
  if (plan_.has_checkpoints) {
    comm_.root_or_none([&] { origin_ = find_origin(directory_, plan_); });
    simd_name = simd_to_use(origin_, options_);
  }
  comm_.root_or_none([&] { began_at_zero = !is_fresh() && !has_dataset(origin_.file, label_models_dataset); });
  comm_.broadcast(began_at_zero);
  if (began_at_zero != 0) {
    options_.problem.of<LabelModelOptions>().start = "zero";
  }
  comm_.broadcast(origin_.record.iteration);
  comm_.broadcast(origin_.file);
  comm_.broadcast(simd_name);
  simd_ = agree_on_simd(comm_, simd_name, options_.run.precision);
}

void Job::deal_rows() {
  balance_.begin_deal();
  problem_ = make_problem(options_, comm_, simd_);
  balance_.end_deal();
  if (is_fresh()) {
    with_bar("comparing models of the labels",
             [&] { model_ = choose_model(options_, *problem_, comm_, simd_, poll_, progress_); });
  }
  arithmetic_ = agree_on_arithmetic(comm_, simd_, options_.run.precision, *problem_);
  check_holdout(options_, *problem_);
}

void Job::check_origin() {
  comm_.root_or_none([&] {
    check_same_arithmetic(origin_, arithmetic_);
    if (!is_fresh()) {
      check_same_data(origin_.file, origin_.record, fingerprint_of(*problem_));
    }
    if (!plan_.has_checkpoints) {
      origin_ = find_origin(directory_, plan_);
    }
    remove_stop_file(old_stop_file_);
  });
}

void Job::make_oracle() {
  oracle_.emplace(*problem_, comm_, oracle_setup(options_));
  oracle_->poll = poll_;
  oracle_->progress = progress_;
  keep_stop_requests();
  per_pass_ = oracle_->iterations_per_pass();
  comm_.root_or_none([&] { check_iterations_left(origin_, options_.run.iterations, per_pass_); });
  if (set_pass(options_, per_pass_)) {
    pass_ = "iterations in a pass over the training rows: " + std::to_string(per_pass_);
  }
}

void Job::choose_steps() {
  if (is_fresh()) {
    with_bar("training models of the labels",
             [&] { start_ = start_of(options_, *oracle_, model_, plan_.has_same_rows); });
  }
  algorithm_ = make_algorithm(options_.algorithm, *problem_);
  if (is_fresh()) {
    timed(*oracle_, &Timings::start, Stage::SetUp,
          [&] { steps_ = algorithm_->choose_steps(*oracle_, options_.algorithm, start_); });
    algorithm_ = make_algorithm(options_.algorithm, *problem_);  // with these steps
  }
}

void Job::begin_record() {
  Options resolved = options_;
  resolved.problem.of<LabelModelOptions>().start = plan_.options.problem.of<LabelModelOptions>().start;
  const std::string config = write_config(resolved);
  comm_.root_or_none([&] {
    write_durably(directory_.file("config.toml"), config);
    const Provenance* const provenance = problem_->provenance();
    const std::string columns = provenance != nullptr ? provenance->columns_of_files() : "";
    if (!columns.empty()) {
      write_durably(directory_.file("columns.json"), columns);
    }
  });
  origin_.record.texts = {{"algorithm", options_.algorithm.name},
                          {"problem", options_.problem.type},
                          {"config", config},
                          {"version", version()},
                          {"git", git_commit()},
                          {"simd", arithmetic_},
                          {"data_fingerprint", fingerprint_of(*problem_)}};
  recorder_.emplace(*oracle_, directory_, options_, origin_.record);
}

void Job::restore() {
  fill_state(options_, origin_, start_, *oracle_, *algorithm_, state_);
  start_ = State();
}

void Job::announce() {
  const std::string shares = balance_.sentence();
  const Index first = origin_.record.iteration;
  say(options_.run.name + ": " + options_.problem.type + " by " + options_.algorithm.name + ", " +
      std::to_string(problem_->n_rows(Level::Lower)) + " lower and " + std::to_string(problem_->n_rows(Level::Upper)) +
      " upper rows, " + std::to_string(problem_->n_y()) + " parameters, " + std::to_string(comm_.size()) +
      (comm_.size() == 1 ? " rank, " : " ranks, ") + arithmetic_ + ", " + options_.run.precision +
      (first > 0 ? "; going on from iteration " + std::to_string(first) : ""));
  RowReader* const reader = problem_->row_reader();
  const std::string rows = reader != nullptr ? reader->description() : "";
  for (const std::string& text : {rows, model_.sentence, shares, pass_, steps_}) {
    say(text);
  }
}

/// @return Unbalanced only where the checkpoint to go on from is written
Status Job::iterate() {
  bool may_deal = true;
  const RunOptions& wanted = options_.run;
  const Index n_iterations = wanted.iterations.iterations(per_pass_);
  const RunPlan run_plan{
      .iterations = n_iterations,
      .report_every = wanted.report_every.iterations(per_pass_),
      .checkpoint_every = options_.checkpoint.every.iterations(per_pass_),
      .stop_residual = wanted.stop_residual,
      .stop_error = wanted.stop_error,
      .stop_no_progress = wanted.stop_no_progress.iterations(per_pass_),
      .is_unbalanced = [&](Index k) { return may_deal && balance_.is_worth_a_deal(*oracle_, k, n_iterations); }};
  set_checkpoint_requests(CheckpointRequests::Answered);
  for (;;) {
    const Status status = meha::run(*algorithm_, *oracle_, state_, run_plan, recorder_->last_reported(), *recorder_);
    if (status != Status::Unbalanced || recorder_->is_saved()) {
      return status;
    }
    may_deal = false;
  }
}

void Job::prepare_next_deal() {
  say("ranks have waited for slower ones: dealing out the rows anew");
  plan_.options.algorithm = options_.algorithm;  // with the steps chosen
  plan_.options.problem.of<ModelOptions>().model = options_.problem.of<ModelOptions>().model;
  plan_.options.run.precision = options_.run.precision;
  plan_.has_checkpoints = plan_.must_resume = true;
  set_checkpoint_requests(CheckpointRequests::Wait);
}

/// @return how the run ends: a request may interrupt this, as it may interrupt the search
Status Job::judge_labels(Status status) {
  DoubtfulLabels* const doubtful = problem_->doubtful_labels();
  if (exit_code(status) != ExitCode::Finished || doubtful == nullptr) {
    return status;
  }
  const CrossFit& models = doubtful->cross_fit();
  if (options_.problem.of<LabelModelOptions>().refit) {
    say("judging the labels; training the model on the rows kept, and on others for comparison");
  }
  timed(*oracle_, &Timings::evaluate, Stage::Evaluate, [&] {
    AnswerPlan plan = answer_plan(options_, models);
    plan.keeps_posteriors = shows_rows();
    with_bar("training models to compare with", [&] { labels_ = answer(*oracle_, plan, state_); });
  });
  comparison_ = labels_.metrics;
  if (comm_.is_root()) {
    const History& reports = recorder_->history();
    labels_text_ = sentences_of(models, labels_, reports.empty() ? Metrics() : reports.back());
  }
  return status_after(labels_.agreed, status);
}

Status Job::compare_with_search(Status status, Index iterations) {
  if (exit_code(status) != ExitCode::Finished || options_.problem.of<SearchOptions>().random_search <= 0) {
    return status;
  }
  say("searching x at random, with " + toml(options_.problem.of<SearchOptions>().random_search) +
      " times the passes of the run");
  const Metrics found = compare_by_search(options_, *oracle_, state_, iterations);
  comparison_.values.insert(comparison_.values.end(), found.values.begin(), found.values.end());
  return status_after(oracle_->agreed(), status);
}

void Job::show_rows() {
  if (shows_rows()) {
    see_rows_({.report = {.labels = problem_->doubtful_labels()->cross_fit().labels(),
                          .x = as_span(state_["x"]),
                          .posteriors = labels_.posteriors},
               .noise = labels_.noise,
               .n_rows = problem_->n_x()});
  }
}

ExitCode Job::finish(Status status) {
  set_checkpoint_requests(CheckpointRequests::Late);
  const Index iteration = state_.iteration;
  const std::string blown_up = status == Status::NotFinite ? blow_up(comm_, state_, algorithm_->variables()) : "";
  choose_best(state_);
  status = compare_with_search(judge_labels(status), iteration);
  const Doing writing(Stage::Checkpoint);
  recorder_->finish(state_, iteration, status, comparison_, attachments_of(labels_, labels_text_));
  if (comm_.is_root()) {
    if (status == Status::NotFinite) {
      recorder_->progress().warn("iteration " + std::to_string(iteration) + ": " + blown_up +
                                 " in a new run (--set …, another --out)" + recorder_->start_from_here());
    }
    say(plan_.brief && status == Status::Finished ? in_flags(labels_text_, flags_of_clean)
                                                  : summary(plan_.directory, state_.iteration, status, labels_text_));
  }
  if (exit_code(status) == ExitCode::Finished) {
    show_rows();
  }
  return exit_code(status);
}

}  // namespace meha
