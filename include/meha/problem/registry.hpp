// SPDX-License-Identifier: MIT
// Which problems there are: built in, one line each, and added by a program of the user's own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/core/metric.hpp"
#include "meha/core/options.hpp"
#include "meha/data/split.hpp"
#include "meha/problem/kernels/kernels.hpp"
#include "meha/problem/problem.hpp"

namespace meha {

/// Problems of the rows of problem.data, for `plan`, which reads the heads of the files before anything is made.
struct FileRows {
  bool x_per_row = false;  // else one x per feature
  Targets targets = Targets::Classes;
};

struct ProblemInfo {
  std::string name;     // problem.type
  std::string summary;  // for `list problems`
  /// Builds it. Collective: every rank calls it and keeps its own rows, comm.owned_rows(…).
  std::function<std::unique_ptr<Problem>(const Options&, const Communicator&, Simd)> make;
  /// Its options; entries may share sections. Keys of other entries' sections are errors in its configs.
  std::vector<Section> sections = {};
  /// What it measures besides metric_table() (OwnMetrics::measure); names that are there already need not be repeated.
  std::vector<MetricInfo> metrics = {};
  /// Without it `plan` makes the problem to see its sizes.
  std::function<FileRows(const Options&)> file_rows = {};
};

/// Built-in and added ones. Valid until the next add_problem().
std::span<const ProblemInfo> problem_table();

/// Adds a problem, on every rank alike, before program() starts.
/// Errors: Error(Bug) when the name is empty or taken, or there is nothing to make it with.
void add_problem(ProblemInfo info);

/// Errors: Error(Config) for an unknown type.
const ProblemInfo& problem_info(const std::string& type);

/// Builds the problem that problem.type names. Collective.
/// Errors: Error(Config) for an unknown type; whatever the problem's set-up throws, on all ranks.
std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd);

}  // namespace meha
