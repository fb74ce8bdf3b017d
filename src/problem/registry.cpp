// SPDX-License-Identifier: MIT
#include "meha/problem/registry.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "meha/core/entry.hpp"
#include "meha/core/error.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/group_lasso.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/hyper_representation.hpp"
#include "meha/problem/regularisation.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/problem/toys.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Problem> make(const Options& options, const Communicator& comm, Simd simd) {
  return std::make_unique<Kind>(options, comm, simd);
}

std::vector<MetricInfo> metrics(std::initializer_list<std::span<const MetricInfo>> lists) {
  std::vector<MetricInfo> all;
  for (const auto& list : lists) {
    std::ranges::copy(list, std::back_inserter(all));
  }
  return all;
}

std::vector<ProblemInfo> built_in() {
  const std::vector<Section> size = {SizeOptions()};
  const std::vector<MetricInfo> errors = metrics({optimum_metrics});
  return {
      {.name = "hyper_cleaning",
       .summary = "learn one weight per training row so that wrong labels are found",
       .make = make<HyperCleaning>,
       .sections = {ModelOptions(), InitOptions(), NetworkOptions(), LabelModelOptions(), DataOptions(),
                    NoiseOptions()},
       .metrics = metrics({row_metrics, weight_metrics, label_metrics}),
       .file_rows = [](const Options&) { return FileRows{.x_per_row = true}; }},
      {.name = "strongly_convex",
       .summary = "quadratic, known optimum",
       .make = make<StronglyConvex>,
       .sections = {SizeOptions(), StronglyConvexOptions()},
       .metrics = errors},
      {.name = "merely_convex",
       .summary = "lower level without a unique minimiser, known optimum",
       .make = make<MerelyConvex>,
       .sections = size,
       .metrics = errors},
      {.name = "sine_nonconvex",
       .summary = "nonconvex lower level, known global optimum",
       .make = make<SineNonconvex>,
       .sections = size,
       .metrics = errors},
      {.name = "lasso_nonsmooth",
       .summary = "one l1 weight per coordinate, known optima",
       .make = make<LassoNonsmooth>,
       .sections = size,
       .metrics = errors},
      {.name = "group_lasso",
       .summary = "sparse group lasso with one weight per group",
       .make = make<GroupLasso>,
       .sections = {SizeOptions(), GroupLassoOptions()},
       .metrics = {test_error_metric}},
      {.name = "rxgd_toy",
       .summary = "nonconvex upper level over a least-squares or cosine lower level",
       .make = make<RxgdToy>,
       .sections = {SizeOptions(), RxgdToyOptions()}},
      {.name = "pbgd_toy", .summary = "one-dimensional, many stationary points", .make = make<PbgdToy>},
      {.name = "hyper_representation",
       .summary = "learn features that few labelled images per class are enough for",
       .make = make_hyper_representation,
       .sections = {InitOptions(), NetworkOptions(), FewShotOptions(), DataOptions(), NoiseOptions()},
       .metrics = metrics({few_shot_metrics})},
      {.name = "regularisation",
       .summary = "learn one penalty per feature of a linear classifier or regression, for the least validation loss",
       .make = make<Regularisation>,
       .sections = {ModelOptions(), InitOptions(), RegularisationOptions(), SearchOptions(), DataOptions(),
                    NoiseOptions()},
       .metrics = metrics({row_metrics, regularisation_metrics, search_metrics}),
       .file_rows =
           [](const Options& options) {
             const bool squared = options.problem.of<RegularisationOptions>().loss == "squared";
             return FileRows{.targets = squared ? Targets::Numbers : Targets::Classes};
           }},
  };
}

std::vector<ProblemInfo>& problems() {
  static std::vector<ProblemInfo> table = [] {
    auto all = built_in();
    for (const ProblemInfo& info : all) {
      add_metrics(info.metrics);
    }
    return all;
  }();
  return table;
}

}  // namespace

std::span<const ProblemInfo> problem_table() {
  return problems();
}

void add_problem(ProblemInfo info) {
  const auto has_its_name = [&](const ProblemInfo& other) { return other.name == info.name; };
  if (info.name.empty() || !info.make || std::ranges::any_of(problems(), has_its_name)) {
    throw Error(ExitCode::Bug, "add_problem(" + toml(info.name) + "): needs a name that is not taken, and make");
  }
  add_metrics(info.metrics);
  problems().push_back(std::move(info));
}

const ProblemInfo& problem_info(const std::string& type) {
  return entry_of(problem_table(), "problem.type", type);
}

std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd) {
  return problem_info(options.problem.type).make(options, comm, simd);
}

}  // namespace meha
