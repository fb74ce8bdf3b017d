// SPDX-License-Identifier: MIT
#include "facts.hpp"

#include <algorithm>

#include "meha/core/host.hpp"
#include "meha/core/status.hpp"
#include "meha/data/hdf5_file.hpp"
#include "meha/io/config.hpp"
#include "meha/io/run_directory.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

/// Nothing where a run of this status is complete.
std::optional<std::string> why_unfinished(const std::string& status) {
  for (int s = 0; s < static_cast<int>(Status::Unbalanced); ++s) {
    const auto known = static_cast<Status>(s);
    if (status == name(known)) {
      return exit_code(known) == ExitCode::Finished ? std::nullopt : std::optional(std::string(sentence(known)));
    }
  }
  return "at work, or interrupted";
}

/// Reads the state file that results describe, where there is one.
void add_state(RunFacts& facts) {
  try {
    facts.state_file =
        RunDirectory(facts.directory).solution([&](const std::string& text) { facts.notes.push_back(text); });
    facts.record = read_record(facts.state_file);
    facts.record.history = History();
    const Hdf5File file = Hdf5File::open(facts.state_file, ExitCode::Checkpoint);
    if (file.has("/model/y")) {
      facts.trained_on = file.text_attribute("/model", "trained_on");
    }
    if (file.has("/noise/transition")) {
      facts.n_classes = file.shape("/noise/transition").front();
      facts.transition.resize(facts.n_classes * facts.n_classes);
      file.read("/noise/transition", as_span(facts.transition));
    }
  } catch (const Error& error) {
    facts.notes.push_back(error.what());
  }
}

std::vector<PlaceInFile> places_of(const std::vector<Suspect>& suspects) {
  std::vector<PlaceInFile> places;
  for (const Suspect& suspect : suspects) {
    places.push_back({.row = suspect.source_row, .line = suspect.source_line});
  }
  return places;
}

}  // namespace

RunFacts facts_of(const std::string& directory) {
  RunFacts facts;
  facts.directory = directory;
  facts.overview = overview_of_directory(directory);
  facts.options = options_in_use(parse_config(facts.overview.config, directory + "/config.toml"));
  facts.is_of_clean = file_exists(directory + "/clean.toml", ExitCode::Checkpoint);
  facts.has_labels = facts.options.problem.has<LabelModelOptions>();
  if (const auto why = why_unfinished(facts.overview.status)) {
    facts.notes.push_back("the run is " + facts.overview.status + " (" + *why + "): this is how it stood after " +
                          std::to_string(facts.overview.iterations) + " iterations");
  }
  add_state(facts);
  return facts;
}

void add_rows(RunFacts& facts, RowFacts rows, ShowOriginals shows) {
  if (!rows.noise.by_row && rows.noise.transition.size() > 0) {
    facts.transition = rows.noise.transition;
  } else if (rows.noise.by_row) {
    facts.transition.resize(0);
    facts.notes.emplace_back(
        "wrong labels depend on the rows here, not on their classes alone: there is no transition matrix");
  }
  facts.n_classes = std::ssize(rows.class_names);
  try {
    facts.originals = shows == ShowOriginals::No
                          ? Originals()
                          : originals_of(facts.options.problem.of<DataOptions>(), places_of(rows.doubtful));
  } catch (const std::exception& error) {
    facts.originals.note = std::string("the rows cannot be shown: ") + error.what();
  }
  facts.rows = std::move(rows);
}

std::string class_name(const RunFacts& facts, Index label) {
  const auto& names = facts.rows ? facts.rows->class_names : facts.options.problem.of<DataOptions>().class_names;
  const auto at = static_cast<std::size_t>(label);
  return at < names.size() ? names[at] : std::to_string(label);
}

}  // namespace meha
