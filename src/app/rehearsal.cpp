// SPDX-License-Identifier: MIT
#include "meha/app/rehearsal.hpp"

#include <chrono>
#include <cmath>
#include <numeric>

#include "meha/app/labels.hpp"
#include "meha/app/setup.hpp"
#include "meha/comm/archive.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/best_state.hpp"
#include "meha/solver/registry.hpp"
#include "meha/solver/run.hpp"
#include "meha/solver/steps.hpp"
#include "meha/solver/train_models.hpp"

namespace meha {
namespace {

constexpr Index most_bytes = Index{128} << 20;  // of rows on a rank: far more than a cache holds
constexpr Index memory_mib = 64;                // of these, where the run's rows stay on disk
constexpr Real long_enough_s = 1;               // of timed iterations
constexpr Index fewest = 3, most = 1000;

using Clock = std::chrono::steady_clock;

Real seconds_since(Clock::time_point start) {
  return std::chrono::duration<Real>(Clock::now() - start).count();
}

/// Of rank 0, from when all ranks are there. Collective.
template <class Work>
Real seconds_of(const Communicator& comm, Work&& work) {
  comm.all_or_none([] {});  // all are there
  const auto start = Clock::now();
  work();
  return seconds_since(start);
}

/// The rows of each set that a rehearsal takes, the first of their files, in whole blocks.
PerLevel<Index> first_rows(const RunSizes& sizes, int n_ranks) {
  const Index block = sizes.options.run.block_rows * n_ranks;
  const Index batch = std::max(sizes.options.algorithm.batch_lower, sizes.options.algorithm.batch_upper);
  const Index wanted = std::max(4 * batch, n_ranks * most_bytes / std::max<Index>(1, sizes.file.row_bytes));
  PerLevel<Index> rows = sizes.rows;
  for (Index& n : rows) {
    n = std::min(n, (wanted + block - 1) / block * block);
  }
  return rows;
}

/// How many rows of their files to choose from, so that `rows` are the same share of them as the run's rows are.
Index n_rows_to_choose_from(const RunSizes& sizes, const PerLevel<Index>& rows) {
  const DataOptions& data = sizes.options.problem.of<DataOptions>();
  const auto of_training_file = [&](const PerLevel<Index>& n) {
    return static_cast<Real>(n[Level::Lower] +
                             (data.validation_features.empty() ? n[Level::Upper] + n[Level::Holdout] : 0) +
                             (data.test_features.empty() ? n[Level::Test] : 0));
  };
  const auto share = of_training_file(rows) / of_training_file(sizes.rows);
  const auto chosen = static_cast<Index>(std::ceil(share * static_cast<Real>(sizes.n_to_choose_from)));
  return std::max({chosen, rows[Level::Upper] + rows[Level::Holdout], rows[Level::Test]});
}

bool has_open_step(const AlgorithmOptions& algorithm) {
  return algorithm.alpha.is_open() || algorithm.beta.is_open() || algorithm.eta.is_open();
}

void close_steps(AlgorithmOptions& algorithm) {
  for (Schedule* step : {&algorithm.alpha, &algorithm.beta, &algorithm.eta}) {
    *step = step->is_open() ? constant(1e-3) : *step;
  }
}

/// A config of these rows alone, chosen among as much more of their file as the run's are.
Options with_rows(const RunSizes& sizes, const PerLevel<Index>& rows, bool is_streamed) {
  Options options = sizes.options;
  DataOptions& data = options.problem.of<DataOptions>();
  data.n_train = rows[Level::Lower];
  data.n_validation = rows[Level::Upper] + rows[Level::Holdout];
  data.n_test = rows[Level::Test];
  data.n_holdout = rows[Level::Holdout];
  data.n_rows = n_rows_to_choose_from(sizes, rows);
  data.memory = is_streamed ? memory_mib : Index{1} << 20;
  if (!sizes.has_numbers()) {
    data.class_names.resize(static_cast<std::size_t>(sizes.n_classes));  // these rows may not have all of them
  }
  options.run.iterations = {sizes.n_iterations()};
  options.run.report_every = {options.run.report_every.iterations(sizes.iterations_per_pass())};
  close_steps(options.algorithm);
  return options;
}

/// Mean time of an iteration, by stage: over all iterations of a short run, else over about a second of them without the
/// first, which faults memory in. On rank 0. Collective.
Duration time_iterations(Oracle& oracle, Algorithm& algorithm, State& state, Index n_iterations) {
  const auto step = [&] { algorithm.step(oracle, state); };
  oracle.timings = {};
  Real all_s = seconds_of(oracle.comm(), step);
  Index n = std::clamp(static_cast<Index>(long_enough_s / all_s), fewest, most);
  oracle.comm().broadcast(n);
  const bool has_all = n >= n_iterations - 1;
  if (has_all) {
    n = std::max<Index>(n_iterations - 1, 0);
  } else {
    oracle.timings = {};
    all_s = 0;
  }
  all_s += seconds_of(oracle.comm(), [&] {
    for (Index k = 0; k < n; ++k) {
      step();
    }
  });
  const auto times = static_cast<Real>(has_all ? n + 1 : n);
  const Timings& spent = oracle.timings;
  return {.kernels = (all_s - spent.allreduce - spent.update) / times,
          .exchange = spent.allreduce / times,
          .update = spent.update / times};
}

/// Sets the times of models of labels and of those trained after the run: mean time of a few steps, times all steps.
/// Collective. @param begins  whether the run begins with models of labels
void time_models(Communicator& comm, const Options& options, bool begins, CrossFit& problem, Duration& duration) {
  constexpr Index n_timed = 8;
  const AnswerPlan plan = answer_plan(options, problem);
  const Vec x = first_transition(problem.n_classes()).array().log().matrix();
  const auto step_s = [&](Oracle& oracle, const std::vector<ModelPlan>& models) {
    return seconds_of(comm, [&] { train(oracle, problem, models, x, plan.learning_rate, n_timed); }) / n_timed;
  };
  Index n_steps = 0;
  if (begins) {
    Oracle judges(problem, comm, training_setup(problem, plan.setup));
    n_steps = expected_steps(judges.iterations_per_pass(), kind_of(problem));
    duration.models = static_cast<Real>(n_steps) * step_s(judges, cross_fit_plans(problem));
  }
  if (plan.refits) {
    Oracle refits(problem, comm, training_setup(problem, plan.setup));
    const ModelPlan model{.training = {.rows = Training::Rows::AsGiven}, .trusted = problem.n_rows(Level::Upper) > 0};
    const Index n = begins ? steps_of_refit(refits, kind_of(problem), n_steps) : usual_steps(refits, kind_of(problem));
    duration.refits = static_cast<Real>(n) *
                      step_s(refits, std::vector<ModelPlan>(static_cast<std::size_t>(refits_of(begins)), model));
  }
}

/// @param options  iterations in iterations, not in passes     Collective.
Rehearsal rehearse_with(const Communicator& world, const Options& options, Simd simd) {
  Communicator comm = world;
  std::unique_ptr<Problem> problem;
  Rehearsal all;
  const Real deal_s = seconds_of(comm, [&] { problem = make_problem(options, comm, simd); });
  Oracle oracle(*problem, comm, oracle_setup(options));
  const auto algorithm = make_algorithm(options.algorithm, *problem);
  State state;
  algorithm->add_fields(oracle, state);
  if (options.problem.of<DataOptions>().n_holdout > 0) {
    add_best_state(state, algorithm->variables());
  }
  problem->start(state["x"], state["y"]);
  algorithm->init(oracle, state);
  const auto report = [&] { measure(*algorithm, oracle, state); };
  const Real first_report_s = seconds_of(comm, report);
  const Index per_pass = oracle.iterations_per_pass();
  const Index n_iterations = options.run.iterations.iterations(per_pass);
  all.duration = time_iterations(oracle, *algorithm, state, n_iterations);
  const Index every = options.run.report_every.iterations(per_pass);
  const Index n_reports = 1 + (n_iterations + every - 1) / every;
  all.duration.deal = deal_s;
  all.duration.report =
      (first_report_s + static_cast<Real>(n_reports - 1) * seconds_of(comm, report)) / static_cast<Real>(n_reports);
  if (DoubtfulLabels* const doubtful = problem->doubtful_labels()) {
    time_models(comm, options, begins_with_labels(options, *problem), doubtful->cross_fit(), all.duration);
  }
  all.n_iterations = n_iterations;
  all.n_reports = n_reports;
  all.n_x = problem->n_x();
  all.n_y = problem->n_y();
  all.n_lower = problem->n_rows(Level::Lower);
  all.n_upper = problem->n_rows(Level::Upper);
  for (const Field& field : state.fields()) {
    all.state_bytes += static_cast<Index>(sizeof(Real)) * (field.per_row ? all.n_x : field.values.size());
  }
  return all;
}

Real guessed_exchange(const RunSizes& sizes, int n_ranks) {
  constexpr Real message_s = 2e-6, bytes_per_s = 1e10;
  const Traffic traffic = traffic_of(sizes, n_ranks);
  return 3 * std::ceil(std::log2(n_ranks)) * message_s + (2 * traffic.allreduce + traffic.broadcast) / bytes_per_s;
}

/// Of choose_steps().
/// @param visited  rows of an iteration, times the evaluations of each
Real seconds_of_choice(const Duration& duration, const RunSizes& sizes, Real visited) {
  PerLevel<Index> rows;
  for (const Level level : {Level::Lower, Level::Upper}) {
    rows[level] = sizes.rows_of_iteration(level);
  }
  const CostOfChoice cost = cost_of_choice(rows);
  const auto visits = static_cast<Real>(cost.visits[Level::Lower] + cost.visits[Level::Upper]);
  return (static_cast<Real>(cost.n_iterations) + visits / visited) * duration.iteration() +
         static_cast<Real>(cost.n_reports) * duration.report;
}

/// How many times as long models of labels take as in the rehearsal. @param rows  of that, on `n_here` ranks
Real growth_of_models(const RunSizes& sizes, const PerLevel<Index>& rows, Index n_models, int n_here, int n_ranks) {
  const bool is_linear = sizes.options.problem.of<ModelOptions>().model != "mlp";
  const ModelKind kind{.is_linear = is_linear, .is_centred = !is_linear && sizes.file.element != Storage::Sparse};
  const auto work_of_rank = [&](const PerLevel<Index>& n, int ranks) {
    const Index batch = sizes.step_of_models(n).batch;
    const Index iterations_per_pass = n[Level::Lower] / batch;
    const auto visits = static_cast<Real>(batch * expected_steps(iterations_per_pass, kind));
    const Index n_of_busiest = (n_models + ranks - 1) / ranks;
    return sizes.trains_apart(n, n_models) ? visits * static_cast<Real>(n_of_busiest)
                                           : visits * static_cast<Real>(n_models) / static_cast<Real>(ranks);
  };
  return work_of_rank(sizes.rows, n_ranks) / work_of_rank(rows, n_here);
}

}  // namespace

Duration rehearse(const Communicator& comm, const RunSizes* sizes, Simd simd, int n_ranks) {
  PerLevel<Index> rows, fewer;
  std::string config, smaller_config;  // empty: the first has all rows
  comm.root_or_none([&] {
    rows = fewer = first_rows(*sizes, comm.size());
    const bool is_streamed = memory_of(*sizes, 0, n_ranks).is_streamed;
    config = pack(with_rows(*sizes, rows, is_streamed));
    for (Index& n : fewer) {
      n = (n + 3) / 4;
    }
    smaller_config = rows == sizes->rows ? "" : pack(with_rows(*sizes, fewer, is_streamed));
  });
  comm.broadcast(config);
  comm.broadcast(smaller_config);
  Real deal_of_fewer_s = 0;
  if (!smaller_config.empty()) {
    const auto options = unpack(smaller_config, all_options());
    for (int time = 0; time < 2; ++time) {  // the first brings the file from its disk
      deal_of_fewer_s = seconds_of(comm, [&] { make_problem(options, comm, simd); });
    }
  }
  Duration duration = rehearse_with(comm, unpack(config, all_options()), simd).duration;
  if (!comm.is_root()) {
    return duration;
  }
  const auto all = [](const PerLevel<Index>& n) {
    return static_cast<Real>(std::accumulate(n.begin(), n.end(), Index{0}));
  };
  const auto visited = [&](const PerLevel<Index>& n) {
    const AlgorithmOptions& algorithm = sizes->options.algorithm;
    const auto of = [](Index batch, Index n_rows) { return batch > 0 ? std::min(batch, n_rows) : n_rows; };
    const auto& [lower, upper] = sizes->cost.counts.level;
    return static_cast<Real>(lower.work * of(algorithm.batch_lower, n[Level::Lower]) +
                             upper.work * of(algorithm.batch_upper, n[Level::Upper]));
  };
  const Real ranks = static_cast<Real>(comm.size()) / n_ranks;
  if (!smaller_config.empty()) {
    duration.deal += (duration.deal - deal_of_fewer_s) / (all(rows) - all(fewer)) * (all(sizes->rows) - all(rows));
  }
  duration.models *= growth_of_models(*sizes, rows, sizes->n_models_of_start(), comm.size(), n_ranks);
  duration.refits *= growth_of_models(*sizes, rows, refits_of(true), comm.size(), n_ranks);
  duration.kernels *= visited(sizes->rows) / visited(rows) * ranks;
  duration.report *= all(sizes->rows) / all(rows) * ranks;
  if (n_ranks != comm.size()) {
    duration.exchange = guessed_exchange(*sizes, n_ranks);
  }
  if (has_open_step(sizes->options.algorithm)) {
    duration.steps = seconds_of_choice(duration, *sizes, visited(sizes->rows));
  }
  return duration;
}

Rehearsal rehearse_whole(const Communicator& comm, const Options& options, Simd simd) {
  Options closed = options;
  close_steps(closed.algorithm);
  return rehearse_with(comm, closed, simd);
}

}  // namespace meha
