// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "meha/core/entry.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/aid.hpp"
#include "meha/solver/bome.hpp"
#include "meha/solver/bvfsm.hpp"
#include "meha/solver/f2ba.hpp"
#include "meha/solver/f2sa.hpp"
#include "meha/solver/f2sa_p.hpp"
#include "meha/solver/g_pbgd.hpp"
#include "meha/solver/iaptt_gm.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/rhg.hpp"
#include "meha/solver/rxgd.hpp"
#include "meha/solver/sl_bamm.hpp"
#include "meha/solver/soba.hpp"
#include "meha/solver/sqcqp.hpp"
#include "meha/solver/v_pbgd.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Algorithm> make(const AlgorithmOptions& options, const Problem& problem) {
  return std::make_unique<Kind>(options, problem);
}

std::vector<AlgorithmInfo> built_in() {
  const MetricInfo residual_z{"residual_z", "|d_z| of the last step"};
  return {
      {.name = "meha",
       .summary = "single-loop, Hessian-free, Moreau envelope (arXiv 2405.09927)",
       .make = make<Meha>,
       .sections = {MehaOptions(), DirectionOptions()},
       .metrics = {{"residual_theta", "|theta - Prox(theta - eta d_theta)|/eta of the last step"}}},
      {.name = "bome",
       .summary = "first-order, inner loop, value function as a dynamic barrier (NeurIPS 2022)",
       .make = make<Bome>,
       .sections = {BomeOptions(), DirectionOptions()}},
      {.name = "f2ba",
       .summary = "fully first-order, two inner points, constant penalty (arXiv 2306.14853)",
       .make = make<F2ba>,
       .sections = {F2baOptions(), DirectionOptions()},
       .metrics = {residual_z}},
      {.name = "f2sa",
       .summary = "fully first-order, two inner points, growing penalty (arXiv 2301.10945)",
       .make = make<F2sa>,
       .sections = {F2saOptions(), DirectionOptions()},
       .metrics = {residual_z}},
      {.name = "f2sa_p",
       .summary = "fully first-order, central difference in the penalty, p = 2 (arXiv 2509.02937)",
       .make = make<F2saP>,
       .sections = {F2saPOptions(), DirectionOptions()},
       .metrics = {residual_z}},
      {.name = "g_pbgd",
       .summary = "penalty on the lower level's squared gradient, second-order products (arXiv 2302.05185)",
       .make = make<GPbgd>,
       .sections = {GPbgdOptions(), DirectionOptions()}},
      {.name = "rxgd",
       .summary = "relaxed gradient descent with one multiplier, second-order products (arXiv 2504.17215)",
       .make = make<Rxgd>,
       .sections = {RxgdOptions(), DirectionOptions()}},
      {.name = "sl_bamm",
       .summary = "single-loop, averaged levels, second-order products (arXiv 2302.03407)",
       .make = make<SlBamm>,
       .sections = {SlBammOptions(), DirectionOptions()},
       .metrics = {{"residual_v", "|d_v| of the last step"}}},
      {.name = "sqcqp",
       .summary = "quadratically constrained programs and a line search, second-order products (arXiv 2505.14647)",
       .make = make<Sqcqp>,
       .sections = {SqcqpOptions()}},
      {.name = "v_pbgd",
       .summary = "penalty on the value function, single loop (arXiv 2302.05185)",
       .make = make<VPbgd>,
       .sections = {VPbgdOptions(), DirectionOptions()}},
      {.name = "soba",
       .summary = "single-loop, implicit, second-order products; average = MA-SOBA (arXiv 2201.13409, 2306.12067)",
       .make = make<Soba>,
       .sections = {SobaOptions(), DirectionOptions()},
       .metrics = {{"residual_v", "|d_v| of the last step"}}},
      {.name = "aid",
       .summary = "implicit, inner loops: conjugate gradients, Neumann series or AmIGO (arXiv 2010.07962, 2111.14580)",
       .make = make<Aid>,
       .sections = {AidOptions(), DirectionOptions()},
       .metrics = {{"residual_v", "|d_v| of the last step"}}},
      {.name = "rhg",
       .summary = "reverse differentiation of inner steps; mixture = BDA (arXiv 1703.01785, 1810.10667, 2006.04045)",
       .make = make<Rhg>,
       .sections = {RhgOptions(), DirectionOptions()}},
      {.name = "iaptt_gm",
       .summary = "reverse differentiation from the worst inner step, with a learned start (arXiv 2110.00455)",
       .make = make<IapttGm>,
       .sections = {IapttGmOptions(), DirectionOptions()},
       .metrics = {residual_z}},
      {.name = "bvfsm",
       .summary = "first-order, inner loops, logarithmic barrier on the value function (arXiv 2110.04974)",
       .make = make<Bvfsm>,
       .sections = {BvfsmOptions(), DirectionOptions()},
       .metrics = {residual_z}},
  };
}

std::vector<AlgorithmInfo>& algorithms() {
  static std::vector<AlgorithmInfo> table = [] {
    auto all = built_in();
    for (const AlgorithmInfo& info : all) {
      add_metrics(info.metrics);
    }
    return all;
  }();
  return table;
}

}  // namespace

std::span<const AlgorithmInfo> algorithm_table() {
  return algorithms();
}

void add_algorithm(AlgorithmInfo info) {
  const auto has_its_name = [&](const AlgorithmInfo& other) { return other.name == info.name; };
  if (info.name.empty() || !info.make || std::ranges::any_of(algorithms(), has_its_name)) {
    throw Error(ExitCode::Bug, "add_algorithm(" + toml(info.name) + "): needs a name that is not taken, and make");
  }
  add_metrics(info.metrics);
  algorithms().push_back(std::move(info));
}

const AlgorithmInfo& algorithm_info(const std::string& name) {
  return entry_of(algorithm_table(), "algorithm.name", name);
}

std::unique_ptr<Algorithm> make_algorithm(const AlgorithmOptions& options, const Problem& problem) {
  return algorithm_info(options.name).make(options, problem);
}

void require_unique_names(const Options& options) {
  std::set<std::string> names;
  visit(options, [&](const OptionInfo& info, const auto&) {
    if (!names.insert(info.name).second) {
      throw Error(ExitCode::Bug, std::string(info.name) + ": two sections of options have it");
    }
  });
}

Options all_options() {
  Options options;
  for (const ProblemInfo& info : problem_table()) {
    options.problem.add(info.sections);
  }
  for (const AlgorithmInfo& info : algorithm_table()) {
    options.algorithm.add(info.sections);
  }
  require_unique_names(options);
  return options;
}

namespace {

bool has_like(const std::vector<Section>& sections, const Section& section) {
  return std::ranges::any_of(sections, [&](const Section& other) { return other.is_like(section); });
}

template <class Info>
void keep_own(std::span<const Info> table, const std::string& name, Sections& sections) {
  if (const Info* entry = find_entry(table, name)) {
    sections.remove_if([&](const Section& section) { return !has_like(entry->sections, section); });
  }
}

/// Names and values; those that the run may have chosen itself are left out.
std::vector<std::pair<std::string, std::string>> given_values(Section section) {
  std::vector<std::pair<std::string, std::string>> all;
  section.each([&](const OptionInfo& info, OptionValue value) {
    if (info.on_resume != OnResume::Chosen) {
      all.emplace_back(info.name, std::visit([](const auto* member) { return toml(*member); }, value));
    }
  });
  return all;
}

template <class Info>
void refuse_others(std::span<const Info> table, const std::string& option, const std::string& name,
                   const Sections& given) {
  const Info* entry = find_entry(table, name);
  for (const Section& section : given.sections()) {
    if (entry == nullptr || has_like(entry->sections, section)) {
      continue;
    }
    const auto values = given_values(section);
    const auto differing = std::ranges::mismatch(values, given_values(section.defaults())).in1;
    const auto owner = std::ranges::find_if(table, [&](const Info& e) { return has_like(e.sections, section); });
    if (differing != values.end() && owner != table.end()) {
      throw Error(ExitCode::Config, differing->first + " = " + differing->second + ": is an option of " + option +
                                        " = " + toml(owner->name) + ", which is " + toml(name) + " here");
    }
  }
}

}  // namespace

Options options_in_use(const Options& options) {
  Options own = options;
  keep_own(problem_table(), options.problem.type, own.problem);
  keep_own(algorithm_table(), options.algorithm.name, own.algorithm);
  return own;
}

void refuse_options_of_others(const Options& options) {
  refuse_others(problem_table(), "problem.type", options.problem.type, options.problem);
  refuse_others(algorithm_table(), "algorithm.name", options.algorithm.name, options.algorithm);
}

}  // namespace meha
