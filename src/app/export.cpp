// SPDX-License-Identifier: MIT
// meha export DIR --what samples|history|model: results in the formats people work with.
#include <filesystem>
#include <iostream>
#include <sstream>

#include "meha/app/setup.hpp"
#include "meha/app/verbs.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/config.hpp"
#include "meha/io/durable.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/io/samples.hpp"
#include "meha/io/state_file.hpp"
#include "meha/problem/registry.hpp"

namespace meha {
namespace {

constexpr Index n_suspects_shown = 10;

void export_history(const std::vector<Metrics>& history, const std::string& out) {
  std::ostringstream text;
  std::string header;
  for (const MetricInfo& info : metric_table()) {
    header += (header.empty() ? "" : ",") + std::string(info.name);
  }
  text << header << '\n';
  for (const Metrics& line : history) {
    text << line.iteration;
    for (const MetricInfo& info : metric_table().subspan(1)) {
      const auto value = line.find(info.name);
      text << ',' << (value ? shortest(*value) : "");
    }
    text << '\n';
  }
  write_durably(out, text.str());
}

void export_model(const Problem& problem, const Vec& y, const std::string& out) {
  Hdf5File file = Hdf5File::create(out, 0, ExitCode::Checkpoint);
  Index first = 0;
  for (const NamedArray& array : problem.parameters()) {
    Index size = 1;
    for (const Index extent : array.shape) {
      size *= extent;
    }
    file.write_array("/" + array.name, array.shape, slice(as_span(y), {first, first + size}));
    first += size;
  }
  file.close();
}

void export_samples(HyperCleaning& problem, const State& state, const std::string& out) {
  const SampleReport report = report_samples(problem.samples(), state["x"], problem.predict(state["y"]));
  std::ostringstream table;
  write_samples(table, report);
  write_durably(out, table.str());
  write_class_table(std::cout, report);
  std::cout << "\nthe " << n_suspects_shown << " most suspicious rows:\n";
  write_suspects(std::cout, report, n_suspects_shown);
}

}  // namespace

ExitCode export_verb(const Arguments& arguments) {
  const Communicator comm = Communicator::world();
  if (comm.size() > 1) {
    throw Error(ExitCode::Config, "meha export: runs on one rank, not on " + std::to_string(comm.size()));
  }
  const RunDirectory directory(arguments.target);
  if (!std::filesystem::exists(directory.file("config.toml"))) {
    throw Error(ExitCode::Config, arguments.target + ": not a run directory (it has no config.toml)");
  }
  const std::string file =
      directory.solution([](const std::string& text) { std::cerr << "warning: " << text << '\n'; });
  const std::string extension = arguments.what == "model" ? ".h5" : ".csv";
  const std::string out = arguments.out.empty() ? directory.file(arguments.what + extension) : arguments.out;
  if (arguments.what == "history") {
    export_history(read_record(file).history, out);
  } else {
    const Options options = read_config(directory.file("config.toml"));
    const auto problem = make_problem(options, comm, agree_on_simd(comm, read_record(file).texts.at("simd")));
    State state;
    const bool per_row = problem->x_layout() == XLayout::PerRow;
    state.add("x", per_row, problem->n_x());
    state.add("y", false, problem->n_y());
    const Range all{0, problem->n_x()};
    read_solution(file, comm, state, {&all, 1});
    auto* cleaning = dynamic_cast<HyperCleaning*>(problem.get());
    if (arguments.what == "model") {
      export_model(*problem, state["y"], out);
    } else if (cleaning != nullptr) {
      export_samples(*cleaning, state, out);
    } else {
      throw Error(ExitCode::Config, "--what samples: problem " + options.problem.type + " has no samples to report on");
    }
  }
  std::cout << arguments.what << ": " << out << '\n';
  return ExitCode::Finished;
}

}  // namespace meha
