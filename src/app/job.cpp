// SPDX-License-Identifier: MIT
#include "meha/app/job.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

#include "meha/app/balance.hpp"
#include "meha/app/labels.hpp"
#include "meha/app/origin.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/host.hpp"
#include "meha/core/version.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/recorder.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/best_state.hpp"
#include "meha/solver/blow_up.hpp"
#include "meha/solver/cost.hpp"
#include "meha/solver/random_search.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

/// Runs `work` as a stage of its own: the passes it makes count neither as compute nor as allreduce, nor at all.
template <class Work>
void timed(Oracle& oracle, Real Timings::*stage, Stage doing, Work&& work) {
  Timings before = oracle.timings;
  const Counts counts_before = oracle.counts;
  {
    const Stopwatch watch(before.*stage, doing);
    work();
  }
  oracle.timings = before;
  oracle.counts = counts_before;
}

/// x, y and the models of labels where a run begins. Collective.
State start_of(const Options& options, Oracle& oracle) {
  Problem& problem = oracle.problem();
  State start;
  start.add("x", oracle.per_row(), oracle.stored_x_size());
  start.add("y", false, problem.n_y());
  problem.start(start["x"], start["y"]);
  if (begins_with_labels(options, problem)) {
    add_label_fields(start, *problem.cross_fit());
    timed(oracle, &Timings::start, Stage::SetUp, [&] {
      start_from_labels(oracle, answer_plan(options, *problem.cross_fit()), start);
      if (problem.trusts_surest()) {
        trust_surest(oracle, start);
      }
    });
  }
  const Path& initial = options.run.initial_state;
  if (!initial.empty()) {
    read_state(initial.value, oracle.comm(), start, oracle.stored_rows(), {"x", "y"});
  }
  return start;
}

/// @param start  of the run; ignored where it goes on from a checkpoint
void fill_state(const Options& options, const Origin& origin, Index first_iteration, const State& start, Oracle& oracle,
                Algorithm& algorithm, State& state) {
  Problem& problem = oracle.problem();
  algorithm.add_fields(oracle, state);
  if (begins_with_labels(options, problem)) {
    add_label_fields(state, *problem.cross_fit());
  }
  if (options.problem.data.n_holdout > 0) {
    add_best_state(state, algorithm.variables());
  }
  if (!origin.file.empty()) {
    read_state(origin.file, oracle.comm(), state, oracle.stored_rows());
    state.iteration = first_iteration;
    if (problem.trusts_surest()) {
      trust_surest(oracle, state);
    }
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

void check_holdout(const Options& options, const Problem& problem) {
  if (options.problem.data.n_holdout > 0 && problem.n_rows(Level::Holdout) == 0) {
    throw Error(ExitCode::Config, "problem.data.n_holdout = " + std::to_string(options.problem.data.n_holdout) +
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
    metrics = random_search(oracle, state["x"],
                            {.seed = options.run.seed, .row_visits = options.problem.random_search * of_run});
  });
  return metrics;
}

/// What a person wants to know at the end: the last metrics with their meanings, where the files are, why it stopped.
/// @param more  sentences about the labels; may be empty
std::string summary(const std::string& directory, Index solution_iteration, Status status, const std::string& more) {
  std::string text;
  const auto lines = read_metrics(RunDirectory(directory).file("metrics.jsonl"));
  if (!lines.empty()) {
    const Metrics solution = report_of(lines, solution_iteration);
    const Index iterations = lines.iteration(lines.size() - 1);
    text = "after " + std::to_string(iterations) + " iterations" +
           (solution.iteration < iterations
                ? ", the best state on held-out rows, of iteration " + std::to_string(solution.iteration)
                : "") +
           ":\n";
    for (const MetricInfo& info : metric_table().subspan(1)) {
      if (const auto value = solution.find(info.name)) {
        std::array<char, 160> line{};
        std::snprintf(line.data(), line.size(), "  %-25s %-12.6g %s\n", info.name, *value, info.meaning);
        text += line.data();
      }
    }
  }
  return text + more + "files: " + directory + "/ (config.toml, metrics.jsonl, result.h5, checkpoint-*.h5, run.log)\n" +
         std::string(name(status)) + ": " + std::string(sentence(status));
}

/// Tells schedules how long a pass is. @return whether anything is counted in passes
bool set_pass(Options& options, Index per_pass) {
  bool any = false;
  visit(options, [&](const OptionInfo& /*info*/, auto& value) {
    if constexpr (std::same_as<decltype(value), Schedule&>) {
      value.per_pass = per_pass;
    }
    if constexpr (std::same_as<decltype(value), Schedule&> || std::same_as<decltype(value), Count&>) {
      any = any || value.in_passes;
    }
  });
  return any;
}

/// From the first read to result.h5, or until rows are to be dealt out anew: then nothing is returned, and `plan` says how
/// to go on. @param plan  the same on all ranks     @param old_stop_file  to be removed; empty: none. Collective.
std::optional<ExitCode> deal_and_run(JobPlan& plan, Communicator& comm, Balance& balance,
                                     const std::function<Requests()>& poll, const std::string& old_stop_file) {
  Options options = plan.options;
  std::optional<Doing> set_up(Stage::SetUp);
  RunDirectory directory(plan.directory);
  Origin origin;
  std::string simd_name = options.run.simd;
  if (plan.has_checkpoints) {
    comm.root_or_none([&] { origin = find_origin(directory, plan); });
    simd_name = simd_to_use(origin, options);
  }
  Index began_at_zero = 0;
  comm.root_or_none([&] { began_at_zero = !origin.file.empty() && !has_dataset(origin.file, label_models_dataset); });
  comm.broadcast(began_at_zero);
  const std::string configured_start = options.problem.start;
  if (began_at_zero != 0) {  // a run of before there were other starts, or of a problem without
    options.problem.start = "zero";
  }
  Index first_iteration = origin.record.iteration;
  comm.broadcast(first_iteration);
  comm.broadcast(origin.file);
  comm.broadcast(simd_name);

  const Simd simd = agree_on_simd(comm, simd_name);
  balance.begin_deal();
  const auto problem = make_problem(options, comm, simd);
  balance.end_deal();
  const std::string model = origin.file.empty() ? choose_model(options, *problem, comm, simd, poll) : "";
  const std::string arithmetic = agree_on_arithmetic(comm, simd, *problem);
  check_holdout(options, *problem);
  comm.root_or_none([&] {
    check_same_arithmetic(origin, arithmetic);
    check_same_data(origin, problem->data_fingerprint());
    if (!plan.has_checkpoints) {
      origin = find_origin(directory, plan);  // data are read and checked: now the directory may be made
    }
    if (!old_stop_file.empty()) {
      std::error_code error;
      fs::remove(old_stop_file, error);  // an earlier life has obeyed it; job scripts have looked at it in between
      if (error) {
        throw Error(ExitCode::Checkpoint,
                    old_stop_file + ": cannot be removed, and would end the run again: " + error.message());
      }
    }
  });
  Oracle oracle(*problem, comm, oracle_setup(options));
  oracle.poll = poll;
  keep_stop_requests();
  const Index per_pass = oracle.iterations_per_pass();
  comm.root_or_none([&] { check_iterations_left(origin, options.run.iterations, per_pass); });
  const bool in_passes = set_pass(options, per_pass);
  State start = origin.file.empty() ? start_of(options, oracle) : State();
  auto algorithm = make_algorithm(options.algorithm, *problem);
  std::string steps;
  if (origin.file.empty()) {
    steps = algorithm->choose_steps(oracle, options.algorithm, start);
    algorithm = make_algorithm(options.algorithm, *problem);  // with these steps
  }
  Options resolved = options;
  resolved.problem.start = configured_start;
  comm.root_or_none([&] { write_durably(directory.file("config.toml"), write_config(resolved)); });
  auto& texts = origin.record.texts;
  texts = {{"algorithm", options.algorithm.name},
           {"problem", options.problem.type},
           {"config", write_config(resolved)},
           {"version", version()},
           {"git", git_commit()},
           {"simd", arithmetic},
           {"data_fingerprint", problem->data_fingerprint()}};

  Recorder recorder(oracle, directory, options, origin.record);
  State state;
  fill_state(options, origin, first_iteration, start, oracle, *algorithm, state);
  start = State();
  const std::string shares = balance.sentence();
  if (comm.is_root()) {
    recorder.progress().say(
        options.run.name + ": " + options.problem.type + " by " + options.algorithm.name + ", " +
        std::to_string(problem->n_rows(Level::Lower)) + " lower and " + std::to_string(problem->n_rows(Level::Upper)) +
        " upper rows, " + std::to_string(problem->n_y()) + " parameters, " + std::to_string(comm.size()) +
        (comm.size() == 1 ? " rank, " : " ranks, ") + arithmetic + ", " + options.run.precision +
        (first_iteration > 0 ? "; going on from iteration " + std::to_string(first_iteration) : ""));
    if (const std::string storage = problem->storage(); !storage.empty()) {
      recorder.progress().say(storage);
    }
    const std::string pass =
        in_passes ? "iterations in a pass over the training rows: " + std::to_string(per_pass) : "";
    for (const std::string& text : {model, shares, pass, steps}) {
      if (!text.empty()) {
        recorder.progress().say(text);
      }
    }
  }

  set_up.reset();
  bool may_deal = true;
  const Index n_iterations = options.run.iterations.iterations(per_pass);
  const RunPlan run_plan{
      .iterations = n_iterations,
      .report_every = options.run.report_every.iterations(per_pass),
      .checkpoint_every = options.checkpoint.every.iterations(per_pass),
      .stop_residual = options.run.stop_residual,
      .stop_error = options.run.stop_error,
      .stop_no_progress = options.run.stop_no_progress.iterations(per_pass),
      .is_unbalanced = [&](Index k) { return may_deal && balance.is_worth_a_deal(oracle, k, n_iterations); }};
  set_checkpoint_requests(CheckpointRequests::Answered);
  Status status = run(*algorithm, oracle, state, run_plan, recorder.last_reported(), recorder);
  while (status == Status::Unbalanced) {
    if (recorder.is_saved()) {
      if (comm.is_root()) {
        recorder.progress().say("ranks have waited for slower ones: dealing out the rows anew");
      }
      plan.options.algorithm = options.algorithm;  // steps that were chosen, and the model
      plan.options.problem.model = options.problem.model;
      plan.has_checkpoints = plan.must_resume = true;
      set_checkpoint_requests(CheckpointRequests::Wait);
      return std::nullopt;
    }
    may_deal = false;
    status = run(*algorithm, oracle, state, run_plan, recorder.last_reported(), recorder);
  }
  set_checkpoint_requests(CheckpointRequests::Late);
  const Index iteration = state.iteration;
  const std::string blown_up = status == Status::NotFinite ? blow_up(comm, state, algorithm->variables()) : "";
  choose_best(state);
  Metrics comparison;
  Answer of_labels;
  std::string labels_text;
  if (exit_code(status) == ExitCode::Finished && problem->cross_fit() != nullptr) {
    if (comm.is_root() && options.problem.refit) {
      recorder.progress().say("judging the labels; training the model on the rows kept, and on others for comparison");
    }
    timed(oracle, &Timings::evaluate, Stage::Evaluate,
          [&] { of_labels = answer(oracle, answer_plan(options, *problem->cross_fit()), state); });
    comparison = of_labels.metrics;
    if (comm.is_root()) {
      const History& reports = recorder.history();
      labels_text = sentences_of(*problem->cross_fit(), of_labels, reports.empty() ? Metrics() : reports.back());
    }
    status = of_labels.agreed.stop ? Status::Stopped : of_labels.agreed.time_limit ? Status::TimeLimit : status;
  }
  if (exit_code(status) == ExitCode::Finished && options.problem.random_search > 0) {
    if (comm.is_root()) {
      recorder.progress().say("searching x at random, with " + toml(options.problem.random_search) +
                              " times the passes of the run");
    }
    const Metrics found = compare_by_search(options, oracle, state, iteration);
    comparison.values.insert(comparison.values.end(), found.values.begin(), found.values.end());
    status = oracle.agreed().stop ? Status::Stopped : oracle.agreed().time_limit ? Status::TimeLimit : status;
  }
  const Doing writing(Stage::Checkpoint);
  recorder.finish(state, iteration, status, comparison, attachments_of(of_labels, labels_text));
  if (comm.is_root()) {
    if (status == Status::NotFinite) {
      recorder.progress().warn("iteration " + std::to_string(iteration) + ": " + blown_up +
                               " in a new run (--set …, another --out)" + recorder.start_from_here());
    }
    recorder.progress().say(summary(plan.directory, state.iteration, status, labels_text));
  }
  return exit_code(status);
}

/// One life, with as many deals as are worth their time. @param plan  the same on all ranks. Collective.
ExitCode live(JobPlan plan, Communicator& comm) {
  const Watchdog watchdog(comm, plan.options.comm.watchdog_s);
  const std::string stop_file = RunDirectory(plan.directory).file("STOP");
  std::string old_stop_file = access(stop_file.c_str(), F_OK) == 0 ? stop_file : "";
  const auto poll = request_poll(comm, plan.options.run.time_limit_s, stop_file);
  Balance balance(comm, plan.options);
  while (true) {
    if (const auto code = deal_and_run(plan, comm, balance, poll, old_stop_file)) {
      return *code;
    }
    old_stop_file.clear();
  }
}

}  // namespace

bool is_finished(const std::string& directory, const Options& options) {
  const std::string result = RunDirectory(directory).file("result.h5");
  if (!file_exists(result, ExitCode::Checkpoint) || damage_of(result)) {
    return false;
  }
  const Record record = read_record(result);
  const std::string& status = record.texts.at("status");
  if (status == name(Status::Finished)) {
    const Count& wanted = options.run.iterations;
    return wanted.in_passes ? parse_config(record.texts.at("config"), result).run.iterations == wanted
                            : record.iteration >= wanted.n;
  }
  const auto changed = compare(parse_config(record.texts.at("config"), result), options);
  const bool same_end = std::none_of(changed.begin(), changed.end(), [](const OptionDifference& d) {
    return d.name == "run.iterations" || d.name.starts_with("run.stop_");
  });
  return same_end && (status == name(Status::Converged) || status == name(Status::ErrorReached) ||
                      status == name(Status::NoProgress));
}

ExitCode run_job(const std::function<JobPlan()>& make_plan) {
  Communicator comm = Communicator::world();
  std::string bytes;
  comm.root_or_none([&] { bytes = pack(make_plan()); });
  comm.broadcast(bytes);
  const auto plan = unpack<JobPlan>(bytes);
  if (!plan.already_done) {
    return live(plan, comm);
  }
  if (comm.is_root()) {
    const Record record = read_record(RunDirectory(plan.directory).file("result.h5"));
    Status ended = Status::Finished;
    for (const Status status : {Status::Converged, Status::ErrorReached, Status::NoProgress}) {
      ended = record.texts.at("status") == name(status) ? status : ended;
    }
    std::cout << plan.directory << ": finished already; to go further: meha resume " << plan.directory
              << " --set run.iterations=N\n"
              << summary(plan.directory, record.solution_iteration, ended,
                         labels_text_of(RunDirectory(plan.directory).file("result.h5")))
              << '\n';
  }
  return ExitCode::Finished;
}

}  // namespace meha
