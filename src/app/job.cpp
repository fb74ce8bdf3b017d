// SPDX-License-Identifier: MIT
#include "meha/app/job.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

#include "meha/app/signals.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/version.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/recorder.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/refit.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

/// The checkpoint a life goes on from; an empty file name means a fresh start. Read on rank 0.
struct Origin {
  std::string file;
  Record record;
};

/// Someone may have edited config.toml: what the checkpoint was made with counts.
void check_same_config(const Origin& origin, const Options& options) {
  std::string differences;
  for (const OptionDifference& d : compare(parse_config(origin.record.texts.at("config"), origin.file), options)) {
    differences += d.free_on_resume ? "" : "\n  " + d.name + ": " + d.before + " there, " + d.after + " in config.toml";
  }
  if (!differences.empty()) {
    throw Error(ExitCode::Config, origin.file + " was made with another config:" + differences);
  }
}

Origin find_origin(RunDirectory& directory, const JobPlan& plan) {
  const auto warn = [](const std::string& text) { std::cerr << "warning: " << text << '\n'; };
  directory.create();
  directory.lock();
  Origin origin;
  if (const auto newest = directory.newest_valid(warn)) {
    if (!plan.has_checkpoints) {
      throw Error(ExitCode::Checkpoint, *newest + ": another run has begun in this directory meanwhile; start again");
    }
    origin.file = *newest;
    origin.record = read_record(*newest);
    check_same_config(origin, plan.options);
    if (origin.record.iteration > plan.options.run.iterations) {
      throw Error(ExitCode::Config, "run.iterations = " + std::to_string(plan.options.run.iterations) + ": " + *newest +
                                        " has already completed " + std::to_string(origin.record.iteration));
    }
  } else if (plan.must_resume) {
    throw Error(ExitCode::Checkpoint, plan.directory + ": no valid checkpoint to resume from");
  }
  return origin;
}

/// The level a resumed run must use: that of its earlier lives.
std::string simd_to_use(const Origin& origin, const Options& options) {
  return origin.file.empty() ? options.run.simd : origin.record.texts.at("simd");
}

/// What the bits depend on besides the config: "avx512", or "avx512 OpenBLAS 0.3.21 SkylakeX". The same on all ranks,
/// else rows would get other bits on other ranks. Collective.
std::string agree_on_arithmetic(const Communicator& comm, Simd simd, const Problem& problem) {
  const std::string library = problem.arithmetic();
  const std::string here = name(simd) + (library.empty() ? "" : " " + library);
  std::string all = here;
  comm.broadcast(all);
  comm.all_or_none([&] {
    if (here != all) {
      throw Error(ExitCode::Config,
                  "this rank computes with " + here + ", rank 0 with " + all +
                      ": bits would depend on the rank (OPENBLAS_CORETYPE can make processors alike)");
    }
  });
  return all;
}

void check_same_arithmetic(const Origin& origin, const std::string& arithmetic) {
  if (!origin.file.empty() && origin.record.texts.at("simd") != arithmetic) {
    throw Error(ExitCode::Config, origin.file + " was computed with " + origin.record.texts.at("simd") +
                                      ", this job computes with " + arithmetic +
                                      ": its bits would be another run's (OPENBLAS_CORETYPE can choose the processor)");
  }
}

void check_same_data(const Origin& origin, const Problem& problem) {
  if (!origin.file.empty() && origin.record.texts.at("data_fingerprint") != problem.data_fingerprint()) {
    throw Error(ExitCode::Data, "data_fingerprint = " + problem.data_fingerprint() + ": " + origin.file +
                                    " was made with " + origin.record.texts.at("data_fingerprint") +
                                    "; the data files changed since, or the paths lead to other data");
  }
}

Oracle::Setup oracle_setup(const Options& options) {
  return {.block_rows = options.run.block_rows,
          .seed = options.run.seed,
          .batch_lower = options.algorithm.batch_lower,
          .batch_upper = options.algorithm.batch_upper,
          .sum = options.comm.sum == "exact" ? ExactSum::Kind::Exact : ExactSum::Kind::Plain,
          .placement = options.comm.placement == "sharded" ? Placement::Sharded : Placement::Root};
}

/// Asked on every rank before every allreduce: signals on any rank, the clock on rank 0.
std::function<Requests()> request_poll(const Communicator& comm, Real time_limit_s) {
  const auto start = std::chrono::steady_clock::now();
  return [=, root = comm.is_root()] {
    const Real seconds = std::chrono::duration<Real>(std::chrono::steady_clock::now() - start).count();
    return Requests{.not_finite = false,
                    .stop = stop_requested(),
                    .time_limit = root && time_limit_s > 0 && seconds >= time_limit_s,
                    .checkpoint = take_checkpoint_request()};
  };
}

void fill_state(const JobPlan& plan, const Origin& origin, Index first_iteration, Oracle& oracle, Algorithm& algorithm,
                State& state) {
  algorithm.add_fields(oracle, state);
  if (!origin.file.empty()) {
    read_state(origin.file, oracle.comm(), state, oracle.stored_rows());
    state.iteration = first_iteration;
    return;
  }
  oracle.problem().start(state["x"], state["y"]);
  const Path& initial = plan.options.run.initial_state;
  if (!initial.empty()) {
    read_state(initial.value, oracle.comm(), state, oracle.stored_rows(), {"x", "y"});
  }
  algorithm.init(oracle, state);
  if (!initial.empty()) {
    read_state(initial.value, oracle.comm(), state, oracle.stored_rows(), {"theta"});
  }
}

Metrics compare_by_refit(Oracle& oracle, State& state) {
  Timings before = oracle.timings;
  Metrics metrics;
  {
    const Stopwatch watch(before.evaluate);
    for (const Refit which : {Refit::Kept, Refit::Corrupted, Refit::Validation, Refit::Clean}) {
      if (const auto accuracy = refit(oracle, which, state["x"], RefitPlan())) {
        metrics.set(metric_name(which), *accuracy);
      }
    }
  }
  oracle.timings = before;  // the sweeps of a refit count as evaluation
  return metrics;
}

/// What a person wants to know at the end: the last metrics with their meanings, where the files are, why it stopped.
std::string summary(const std::string& directory, Status status) {
  std::string text;
  const auto lines = read_metrics(RunDirectory(directory).file("metrics.jsonl"));
  if (!lines.empty()) {
    text = "after " + std::to_string(lines.back().iteration) + " iterations:\n";
    for (const MetricInfo& info : metric_table()) {
      if (const auto value = lines.back().find(info.name)) {
        std::array<char, 160> line{};
        std::snprintf(line.data(), line.size(), "  %-17s %-12.6g %s\n", info.name, *value, info.meaning);
        text += line.data();
      }
    }
  }
  return text + "files: " + directory + "/ (config.toml, metrics.jsonl, result.h5, checkpoint-*.h5, run.log)\n" +
         std::string(name(status)) + ": " + std::string(sentence(status));
}

/// One life, from the first read to result.h5. @param plan  the same on all ranks. Collective.
ExitCode live(const JobPlan& plan, Communicator& comm) {
  const Options& options = plan.options;
  const auto poll = request_poll(comm, options.run.time_limit_s);
  RunDirectory directory(plan.directory);
  Origin origin;
  std::string simd_name = options.run.simd;
  if (plan.has_checkpoints) {
    comm.root_or_none([&] { origin = find_origin(directory, plan); });
    simd_name = simd_to_use(origin, options);
  }
  Index first_iteration = origin.record.iteration;
  comm.broadcast(first_iteration);
  comm.broadcast(origin.file);
  comm.broadcast(simd_name);

  const Simd simd = agree_on_simd(comm, simd_name);
  const auto problem = make_problem(options, comm, simd);
  const std::string arithmetic = agree_on_arithmetic(comm, simd, *problem);
  const auto algorithm = make_algorithm(options.algorithm, *problem);
  comm.root_or_none([&] {
    check_same_arithmetic(origin, arithmetic);
    check_same_data(origin, *problem);
    if (!plan.has_checkpoints) {
      origin = find_origin(directory, plan);  // data are read and checked: now the directory may be made
    }
    write_durably(directory.file("config.toml"), write_config(options));
  });
  auto& texts = origin.record.texts;
  texts = {{"algorithm", options.algorithm.name},
           {"problem", options.problem.type},
           {"config", write_config(options)},
           {"version", version()},
           {"git", git_commit()},
           {"simd", arithmetic},
           {"data_fingerprint", problem->data_fingerprint()}};

  Oracle oracle(*problem, comm, oracle_setup(options));
  oracle.poll = poll;
  Recorder recorder(oracle, directory, options, origin.record);
  State state;
  fill_state(plan, origin, first_iteration, oracle, *algorithm, state);
  if (comm.is_root()) {
    recorder.progress().say(
        options.run.name + ": " + options.problem.type + " by " + options.algorithm.name + ", " +
        std::to_string(problem->n_rows(Level::Lower)) + " lower and " + std::to_string(problem->n_rows(Level::Upper)) +
        " upper rows, " + std::to_string(problem->n_y()) + " parameters, " + std::to_string(comm.size()) +
        (comm.size() == 1 ? " rank, " : " ranks, ") + arithmetic + ", " + options.run.precision +
        (first_iteration > 0 ? "; going on from iteration " + std::to_string(first_iteration) : ""));
  }

  const RunPlan run_plan{.iterations = options.run.iterations,
                         .report_every = options.run.report_every,
                         .checkpoint_every = options.checkpoint.every,
                         .stop_residual = options.run.stop_residual,
                         .stop_error = options.run.stop_error,
                         .stop_no_progress = options.run.stop_no_progress};
  Status status = run(*algorithm, oracle, state, run_plan, recorder.last_reported(), recorder);
  Metrics comparison;
  if (exit_code(status) == ExitCode::Finished && options.problem.refit) {
    comparison = compare_by_refit(oracle, state);
    status = oracle.agreed().stop ? Status::Stopped : oracle.agreed().time_limit ? Status::TimeLimit : status;
  }
  recorder.finish(state, status, comparison);
  if (comm.is_root()) {
    if (status == Status::NotFinite) {
      recorder.progress().warn("iteration " + std::to_string(state.iteration) + " is not finite");
    }
    recorder.progress().say(summary(plan.directory, status));
  }
  return exit_code(status);
}

}  // namespace

void check_names(const Options& options) {
  const auto check = [](const char* key, const std::string& value, auto table) {
    std::string known;
    for (const auto& info : table) {
      if (value == info.name) {
        return;
      }
      known += (known.empty() ? "" : "|") + std::string(info.name);
    }
    throw Error(ExitCode::Config, std::string(key) + " = " + toml(value) + ": must be one of " + known);
  };
  check("problem.type", options.problem.type, problem_table());
  check("algorithm.name", options.algorithm.name, algorithm_table());
}

Simd agree_on_simd(const Communicator& comm, const std::string& wanted) {
  const auto best = static_cast<Simd>(comm.min(static_cast<Index>(best_simd())));
  if (wanted == "auto") {
    return best;
  }
  const Simd level = simd_of(wanted.substr(0, wanted.find(' ')).c_str());
  if (level > best) {
    throw Error(ExitCode::Config, "run.simd = \"" + wanted + "\": a processor of this job has only " + name(best) +
                                      " (a resumed run needs the level it began with)");
  }
  return level;
}

bool is_finished(const std::string& directory, const Options& options) {
  const std::string result = RunDirectory(directory).file("result.h5");
  if (!fs::exists(result) || damage_of(result)) {
    return false;
  }
  const Record record = read_record(result);
  const std::string& status = record.texts.at("status");
  if (status == name(Status::Finished)) {
    return record.iteration >= options.run.iterations;
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
    std::cout << plan.directory << ": finished already; to go further: meha resume " << plan.directory
              << " --set run.iterations=N\n"
              << summary(plan.directory, Status::Finished) << '\n';
  }
  return ExitCode::Finished;
}

}  // namespace meha
