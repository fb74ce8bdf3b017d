// SPDX-License-Identifier: MIT
// meha compare CONFIG.toml --algorithms a,b,c: several methods on the same data, start, arithmetic and budget, with the same
// number of trials drawn from the same ranges. Every trial has a file of its own, so that the same command goes on where an
// interrupted one ended.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "meha/app/setup.hpp"
#include "meha/app/signals.hpp"
#include "meha/app/verbs.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/host.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/run_directory.hpp"
#include "records.hpp"
#include "refit.hpp"

namespace meha {
namespace {

std::string text_of(const std::string& file) {
  return read_text(file, ExitCode::Checkpoint);
}

/// What trials depend on: a directory holds those of one such text. More trials and seeds may join them.
std::string identity_of(const CompareArguments& arguments, const ComparePlan& plan) {
  return "# budget " + arguments.budget + ", reports every " + shortest(plan.every) + "\n" + write_config(plan.options);
}

/// On rank 0.
void open_directory(const ComparePlan& plan, const std::string& identity) {
  const RunDirectory directory(plan.directory);
  const std::string file = directory.file("compare.toml");
  std::error_code error;
  const bool is_new = !file_exists(file, ExitCode::Checkpoint);
  if (is_new && std::filesystem::exists(plan.directory) && !std::filesystem::is_empty(plan.directory, error)) {
    throw Error(ExitCode::Checkpoint, plan.directory + ": holds other files than a comparison's: choose another --out");
  }
  if (!is_new && text_of(file) != identity) {
    throw Error(ExitCode::Checkpoint, plan.directory +
                                          ": holds a comparison of another config or budget (compare.toml): "
                                          "choose another --out");
  }
  directory.create();
  if (is_new) {  // before anything else, which it makes a comparison's
    write_durably(file, identity);
  }
  std::filesystem::create_directories(directory.file("trials"), error);
  if (error) {
    throw Error(ExitCode::Checkpoint, directory.file("trials") + ": cannot be made: " + error.message());
  }
}

/// The trials of a seed, in the order in which they are run.
std::vector<TrialId> trials_of(const ComparePlan& plan, Index seed) {
  std::vector<TrialId> trials;
  for (Index trial = 0; trial <= plan.n_tuned; ++trial) {
    for (const std::string& method : plan.methods) {
      trials.push_back({.method = method, .trial = trial, .seed = seed});
    }
  }
  return trials;
}

class Comparison {
 public:
  Comparison(ComparePlan plan, const Communicator& world)
      : plan_(std::move(plan)),
        world_(world),
        n_jobs_(std::min<Index>(plan_.n_jobs > 0 ? plan_.n_jobs : world.size(), world.size())),
        job_(world.rank() * n_jobs_ / world.size()),
        ranks_(world.split(static_cast<int>(job_))),
        poll_(request_poll(ranks_, plan_.options.run.time_limit_s)) {}

  /// Runs what is missing of these trials, each job its part of them. Collective over all ranks.
  void run(const std::vector<TrialId>& trials, bool with_baselines) {
    std::optional<Error> failure;
    try {
      run_part(trials, with_baselines);
    } catch (const std::exception& error) {
      failure = as_error(error);
    }
    world_.agree(failure);
  }

  /// All that stands in files. On rank 0.
  [[nodiscard]] std::vector<TrialRecord> records() const {
    std::vector<TrialRecord> all;
    const auto add = [&](const TrialId& id) {
      if (auto result = read_trial(path_of(id))) {
        all.push_back({.id = id, .result = std::move(*result)});
      }
    };
    for (Index seed = 0; seed < plan_.n_seeds; ++seed) {
      for (TrialId id : trials_of(plan_, seed)) {
        add(id);
        id.refits = true;
        add(id);
      }
      for (const std::string& name : baseline_names()) {
        add({.method = name, .trial = 0, .seed = seed});
      }
    }
    return all;
  }

  [[nodiscard]] const ComparePlan& plan() const { return plan_; }

 private:
  [[nodiscard]] std::string path_of(const TrialId& id) const { return plan_.directory + "/trials/" + id.file(); }

  /// Agreed upon by the ranks of a job. Collective over these.
  [[nodiscard]] bool is_done(const TrialId& id) {
    Index done = 0;
    ranks_.root_or_none([&] { done = read_trial(path_of(id)) ? 1 : 0; });
    ranks_.broadcast(done);
    return done != 0;
  }

  void write(const TrialId& id, const TrialResult& result) {
    ranks_.root_or_none([&] { write_trial(path_of(id), result); });
  }

  void run_part(const std::vector<TrialId>& trials, bool with_baselines) {
    Index seed = -1;
    std::optional<Contest> contest;
    const auto contest_of = [&](Index wanted) -> Contest& {
      if (!contest || seed != wanted) {
        contest.reset();
        contest.emplace(make_contest(plan_, wanted, ranks_, poll_));
        seed = wanted;
      }
      return *contest;
    };
    for (Index s = 0; with_baselines && s < plan_.n_seeds; ++s) {
      if (s % n_jobs_ == job_ && !is_done({.method = baseline_of_all_rows, .trial = 0, .seed = s})) {
        run_baselines(contest_of(s), s);
      }
    }
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const TrialId& id = trials[i];
      if (static_cast<Index>(i) % n_jobs_ != job_ || is_done(id)) {
        continue;
      }
      const TrialResult result = run_trial(plan_, id, contest_of(id.seed), ranks_, poll_);
      write(id, result);
      if (ranks_.is_root()) {
        std::cerr << id.file().substr(0, id.file().rfind('.')) + ": " +
                         trial_status_names.at(static_cast<std::size_t>(result.status)) + "\n";
      }
    }
  }

  void run_baselines(Contest& contest, Index seed) {
    for (const Baseline& baseline : train_baselines(contest, ranks_, poll_)) {
      TrialResult result;
      result.reports.push_back(baseline.metrics);
      write({.method = baseline.name, .trial = 0, .seed = seed}, result);
    }
  }

  ComparePlan plan_;
  const Communicator& world_;
  Index n_jobs_, job_;
  Communicator ranks_;  // of this job
  std::function<Requests()> poll_;
};

/// The best trials of all methods, again with a model trained on the rows that they keep. Collective.
std::vector<TrialId> best_trials(const Comparison& comparison, const Communicator& world) {
  const ComparePlan& plan = comparison.plan();
  std::vector<Index> best(plan.methods.size(), -1);
  world.root_or_none([&] {
    for (const MethodSummary& method : summaries(plan, comparison.records())) {
      const auto at = std::ranges::find(plan.methods, method.name);
      const bool keeps_rows = method.at_best.find("rows_kept") && method.at_best.find("test_accuracy");
      if (keeps_rows && at != plan.methods.end()) {
        best[static_cast<std::size_t>(at - plan.methods.begin())] = method.best;
      }
    }
  });
  std::vector<TrialId> trials;
  for (std::size_t m = 0; m < best.size(); ++m) {
    world.broadcast(best[m]);
    for (Index seed = 0; best[m] >= 0 && seed < plan.n_seeds; ++seed) {
      trials.push_back({.method = plan.methods[m], .trial = best[m], .seed = seed, .refits = true});
    }
  }
  std::ranges::stable_sort(trials, {}, &TrialId::seed);
  return trials;
}

/// On rank 0.
void show(const Comparison& comparison) {
  const ComparePlan& plan = comparison.plan();
  const auto records = comparison.records();
  const std::string selecting = selecting_metric(plan, records);
  const auto methods = summaries(plan, records);
  const std::string table = table_of(plan, selecting, methods);
  write_durably(plan.directory + "/compare.csv", csv_of(records, methods));
  write_durably(plan.directory + "/compare.svg", curves_of(plan, selecting, records, methods));
  write_durably(plan.directory + "/compare.txt", table);
  std::cout << table << plan.directory << ": compare.txt, compare.csv, compare.svg\n";
}

}  // namespace

ExitCode compare_verb(const Arguments& arguments, const Communicator& ranks) {
  Index shows = 0;
  ranks.root_or_none([&] {
    shows = std::filesystem::is_directory(arguments.target) ? 1 : 0;
    std::cout << (shows != 0 ? text_of(arguments.target + "/compare.txt") : "");
  });
  ranks.broadcast(shows);
  if (shows != 0) {
    return ExitCode::Finished;
  }
  ComparePlan plan = compare_plan(arguments.compare);
  std::string bytes;
  std::optional<RunDirectory> directory;
  ranks.root_or_none([&] {
    plan.options = read_config(arguments.target);
    apply_settings(plan.options, arguments.settings);
    check_names(plan.options);
    for (const std::string& method : plan.methods) {
      Options variant = plan.options;
      apply_settings(variant, settings_of(method));
    }
    plan.directory = plan.directory.empty() ? "runs/compare-" + plan.options.run.name : plan.directory;
    open_directory(plan, identity_of(arguments.compare, plan));
    directory.emplace(plan.directory);
    directory->lock();
    bytes = pack(plan.options);
  });
  ranks.broadcast(bytes);
  ranks.broadcast(plan.directory);
  plan.options = unpack(bytes, all_options());
  if (plan.methods.empty()) {
    plan.methods = {plan.options.algorithm.name};
  }
  const Watchdog watchdog(ranks, plan.options.comm.watchdog_s);
  keep_stop_requests();
  Comparison comparison(plan, ranks);
  std::vector<TrialId> trials;
  for (Index seed = 0; seed < plan.n_seeds; ++seed) {
    const auto of_seed = trials_of(plan, seed);
    trials.insert(trials.end(), of_seed.begin(), of_seed.end());
  }
  comparison.run(trials, plan.baselines);
  comparison.run(best_trials(comparison, ranks), false);
  ranks.root_or_none([&] { show(comparison); });
  return ExitCode::Finished;
}

}  // namespace meha
