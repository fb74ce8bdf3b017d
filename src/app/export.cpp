// SPDX-License-Identifier: MIT
// meha export DIR --what samples|history|model: results in the formats people work with; on any number of ranks.
#include <iostream>
#include <sstream>

#include "meha/app/answers.hpp"
#include "meha/app/origin.hpp"
#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/app/watchdog.hpp"
#include "meha/comm/archive.hpp"
#include "meha/core/host.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/progress_bar.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/samples.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/label_answer.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

constexpr Index n_suspects_shown = 10;

void export_history(const History& history, const std::string& out) {
  std::ostringstream text;
  std::string header;
  for (const MetricInfo& info : metric_table()) {
    header += (header.empty() ? "" : ",") + std::string(info.name);
  }
  text << header << '\n';
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Metrics line = history[i];
    text << line.iteration;
    for (const MetricInfo& info : metric_table().subspan(1)) {
      const auto value = line.find(info.name);
      text << ',' << (value ? shortest(*value) : "");
    }
    text << '\n';
  }
  write_durably(out, text.str());
}

/// The model that a finished run recommends (/model in result.h5), else y.
void export_model(const Problem& problem, const Hdf5File& solution, Vec y, const std::string& out) {
  std::string trained_on = "the run's y";
  if (solution.has("/model/y")) {
    solution.read("/model/y", as_span(y));
    trained_on = solution.text_attribute("/model", "trained_on");
  }
  Hdf5File file = Hdf5File::create(out, 0, ExitCode::Checkpoint);
  file.set_attribute("/", "trained_on", trained_on);
  Index first = 0;
  for (const NamedArray& array : problem.parameters()) {
    Index size = 1;
    for (const Index extent : array.shape) {
      size *= extent;
    }
    file.write_array("/" + array.name, array.shape, slice(as_span(y), {first, first + size}));
    first += size;
  }
  if (const std::vector<Index> features = problem.features_in_use(); !features.empty()) {
    const auto n = static_cast<Index>(features.size());
    file.create_growing("/features", Storage::Int64, {}, n);
    file.append("/features", n, Storage::Int64, features.data());
  }
  file.close();
  std::cout << "model: trained on " << trained_on << '\n';
}

/// Collective.
void export_samples(const Communicator& comm, const JudgedRows& judged, const Arguments& arguments,
                    const std::string& out) {
  const SampleReport& report = judged.report;
  const SampleLabels& labels = report.labels;
  const std::string classes = class_table(count_samples(comm, report), labels.class_names);
  Index n = judged.n_rows;
  n = arguments.below ? count_below(comm, report, *arguments.below) : n;
  n = arguments.top > 0 ? std::min(n, arguments.top) : n;
  std::optional<DurableFile> file;
  std::optional<ProgressBar> bar;
  std::vector<Suspect> first;
  comm.root_or_none([&] {
    file.emplace(out);
    bar.emplace("writing samples");
    write_samples_head(file->stream(), labels);
  });
  for_each_suspect(comm, report, n, [&](Index rank, const Suspect& suspect) {
    constexpr Index rows_between = 4096;
    write_sample(file->stream(), labels, rank, suspect);
    if (rank % rows_between == 0) {
      bar->show(static_cast<Real>(rank) / static_cast<Real>(n), rank);
    }
    if (rank <= n_suspects_shown) {
      first.push_back(suspect);
    }
  });
  comm.root_or_none([&] {
    file->finish();
    bar.reset();
    std::cout << classes << noise_sentences(judged.noise, labels.class_names) << "\nthe " << first.size()
              << " most suspicious rows:\n";
    write_suspects(std::cout, labels, first);
  });
}

/// What rank 0 finds in the run directory.
struct Found {
  Options options;
  std::string file, simd;
  Record record;
  std::shared_ptr<Hdf5File> opened;
};

Found find(const Arguments& arguments) {
  const RunDirectory directory(arguments.target);
  if (!file_exists(directory.file("config.toml"), ExitCode::Checkpoint)) {
    throw Error(ExitCode::Config, arguments.target + ": not a run directory (it has no config.toml)");
  }
  if (arguments.what != "samples" && (arguments.top > 0 || arguments.below)) {
    throw Error(ExitCode::Config,
                "meha export: --top and --below choose among samples, not of --what " + arguments.what);
  }
  Found found;
  found.file = directory.solution([](const std::string& text) { std::cerr << "warning: " << text << '\n'; });
  found.options = read_config(directory.file("config.toml"), ExitCode::Checkpoint);
  found.opened = std::make_shared<Hdf5File>(Hdf5File::open(found.file, ExitCode::Checkpoint));
  found.record = read_record(found.file);
  found.simd = found.record.texts.at("simd");
  return found;
}

/// Collective. @param see  called for --what samples
void export_solution(const Communicator& ranks, const Arguments& arguments, Found found, const std::string& out,
                     const SeeRows& see) {
  Communicator comm = ranks;
  std::string bytes = pack(found.options);
  comm.broadcast(bytes);
  comm.broadcast(found.file);
  comm.broadcast(found.simd);
  Options options = unpack(bytes, all_options());
  options.comm.placement = "sharded";
  const Watchdog watchdog(comm, options.comm.watchdog_s);
  const auto problem = make_problem(options, comm, agree_on_simd(comm, found.simd, options.run.precision));
  comm.root_or_none([&] {
    check_same_data(found.file, found.record, fingerprint_of(*problem));
    check_same_config(found.file, found.record, found.options);
  });
  Oracle oracle(*problem, comm, oracle_setup(options));
  DoubtfulLabels* const doubtful = problem->doubtful_labels();
  if (arguments.what == "samples" && doubtful == nullptr) {
    throw Error(ExitCode::Config, "--what samples: problem " + options.problem.type + " has no samples to report on");
  }
  State state;
  state.add("x", problem->x_layout() == XLayout::PerRow, oracle.stored_x_size());
  state.add("y", false, problem->n_y());
  Index has_models = 0;
  comm.root_or_none([&] { has_models = found.opened->has(label_models_dataset) ? 1 : 0; });
  comm.broadcast(has_models);
  if (has_models != 0 && doubtful != nullptr) {
    add_label_fields(state, doubtful->cross_fit());
  }
  read_solution(found.file, comm, state, oracle.stored_rows(), found.opened.get());
  if (arguments.what == "samples") {
    const Answer judged = judge_labels(oracle, state);
    const std::vector<RowPosterior> rows = posteriors(oracle, state, judged.noise);
    see({.report = {.labels = doubtful->cross_fit().labels(), .x = as_span(state["x"]), .posteriors = rows},
         .noise = judged.noise,
         .n_rows = problem->n_x()});
  } else {
    comm.root_or_none([&] { export_model(*problem, *found.opened, state["y"], out); });
  }
}

}  // namespace

void with_judged_rows(const Communicator& comm, const std::string& directory, const SeeRows& see) {
  Arguments arguments;
  arguments.target = directory;
  arguments.what = "samples";
  Found found;
  comm.root_or_none([&] { found = find(arguments); });
  export_solution(comm, arguments, found, {}, see);
}

ExitCode export_verb(const Arguments& arguments, const Communicator& ranks) {
  Found found;
  ranks.root_or_none([&] { found = find(arguments); });
  const std::string extension = arguments.what == "model" ? ".h5" : ".csv";
  const std::string out =
      arguments.out.empty() ? RunDirectory(arguments.target).file(arguments.what + extension) : arguments.out;
  if (arguments.what == "history") {
    ranks.root_or_none([&] { export_history(found.record.history, out); });
  } else {
    export_solution(ranks, arguments, found, out,
                    [&](const JudgedRows& judged) { export_samples(ranks, judged, arguments, out); });
  }
  if (ranks.is_root()) {
    std::cout << arguments.what << ": " << out << '\n';
  }
  return ExitCode::Finished;
}

}  // namespace meha
