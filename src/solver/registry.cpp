// SPDX-License-Identifier: MIT
#include "meha/solver/registry.hpp"

#include <algorithm>
#include <iterator>
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

/// An entry of the method Kind with these sections of options.
template <class Kind, class... Own>
AlgorithmInfo entry(std::string name, std::string summary, std::vector<Tuned> tuned,
                    std::vector<MetricInfo> metrics = {}) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .make = [](const AlgorithmOptions& options, const Problem& problem) -> std::unique_ptr<Algorithm> {
            return std::make_unique<Kind>(options, problem);
          },
          .sections = {Own()...},
          .metrics = std::move(metrics),
          .tuned = std::move(tuned)};
}

constexpr MetricInfo residual_theta{"residual_theta", "|theta - Prox(theta - eta d_theta)|/eta of the last step"};
constexpr MetricInfo residual_v{"residual_v", "|d_v| of the last step"};
constexpr MetricInfo residual_z{"residual_z", "|d_z| of the last step"};

std::vector<AlgorithmInfo> first_order() {
  using enum Role;
  return {
      entry<Meha, MehaOptions, DirectionOptions>(
          "meha", "single-loop, Hessian-free, Moreau envelope (arXiv 2405.09927)",
          {{"algorithm.beta", StepOnWeighted}, {"algorithm.penalty.c", Penalty}, {"algorithm.gamma", Envelope}},
          {residual_theta}),
      entry<Bome, BomeOptions, DirectionOptions>(
          "bome", "inner loop, value function as a dynamic barrier (NeurIPS 2022)",
          {{"algorithm.bome.rate", Share}, {"algorithm.bome.inner", InnerSteps}}),
      entry<Bvfsm, BvfsmOptions, DirectionOptions>(
          "bvfsm", "inner loops, logarithmic barrier on the value function (arXiv 2110.04974)",
          {{"algorithm.bvfsm.barrier", WeightOfUpper}}, {residual_z}),
      entry<F2ba, F2baOptions, DirectionOptions>("f2ba", "two inner points, constant penalty (arXiv 2306.14853)",
                                                 {{"algorithm.beta", StepOnWeighted},
                                                  {"algorithm.f2ba.lambda", Penalty},
                                                  {"algorithm.f2ba.inner", InnerSteps}},
                                                 {residual_z}),
      entry<F2sa, F2saOptions, DirectionOptions>("f2sa", "two inner points, growing penalty (arXiv 2301.10945)",
                                                 {{"algorithm.beta", StepOnPenalised},
                                                  {"algorithm.f2sa.lambda", Penalty},
                                                  {"algorithm.f2sa.inner", InnerSteps}},
                                                 {residual_z}),
      entry<F2saP, F2saPOptions, DirectionOptions>("f2sa_p",
                                                   "central difference in the penalty, p = 2 (arXiv 2509.02937)",
                                                   {{"algorithm.beta", StepOnWeighted},
                                                    {"algorithm.f2sa_p.lambda", Penalty},
                                                    {"algorithm.f2sa_p.inner", InnerSteps}},
                                                   {residual_z}),
      entry<VPbgd, VPbgdOptions, DirectionOptions>("v_pbgd",
                                                   "penalty on the value function, single loop (arXiv 2302.05185)",
                                                   {{"algorithm.v_pbgd.gamma", Penalty},
                                                    {"algorithm.v_pbgd.ramp", Horizon},
                                                    {"algorithm.v_pbgd.inner", InnerSteps}}),
  };
}

std::vector<AlgorithmInfo> second_order() {
  using enum Role;
  return {
      entry<Aid, AidOptions, DirectionOptions>(
          "aid", "implicit: conjugate gradients, Neumann series or AmIGO (arXiv 2010.07962, 2111.14580)",
          {{"algorithm.aid.inner", InnerSteps}}, {residual_v}),
      entry<GPbgd, GPbgdOptions, DirectionOptions>(
          "g_pbgd", "penalty on the lower level's squared gradient (arXiv 2302.05185)",
          {{"algorithm.g_pbgd.gamma", Penalty}, {"algorithm.g_pbgd.ramp", Horizon}}),
      entry<IapttGm, IapttGmOptions, DirectionOptions>(
          "iaptt_gm", "reverse differentiation from the worst inner step, with a learned start (arXiv 2110.00455)",
          {{"algorithm.iaptt_gm.inner", InnerSteps}}, {residual_z}),
      entry<Rhg, RhgOptions, DirectionOptions>(
          "rhg", "reverse differentiation of inner steps; mixture = BDA (arXiv 1703.01785, 1810.10667, 2006.04045)",
          {{"algorithm.rhg.inner", InnerSteps}}),
      entry<Rxgd, RxgdOptions, DirectionOptions>("rxgd",
                                                 "relaxed gradient descent with one multiplier (arXiv 2504.17215)",
                                                 {{"algorithm.alpha", StepInMetric}, {"algorithm.rxgd.rate", Penalty}}),
      entry<SlBamm, SlBammOptions, DirectionOptions>(
          "sl_bamm", "single-loop, averaged levels (arXiv 2302.03407)",
          {{"algorithm.alpha", StepOfXByY}, {"algorithm.eta", Factor}, {"algorithm.sl_bamm.mu", Share}}, {residual_v}),
      entry<Soba, SobaOptions, DirectionOptions>(
          "soba", "single-loop, implicit; average = MA-SOBA (arXiv 2201.13409, 2306.12067)", {}, {residual_v}),
      entry<Sqcqp, SqcqpOptions>(
          "sqcqp", "quadratically constrained programs and a line search (arXiv 2505.14647)",
          {{"algorithm.alpha", StepInMetric}, {"algorithm.sqcqp.rate", Share}, {"algorithm.sqcqp.tolerance", Share}}),
  };
}

std::vector<AlgorithmInfo> built_in() {
  std::vector<AlgorithmInfo> all = first_order();
  std::ranges::move(second_order(), std::back_inserter(all));
  return all;
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
