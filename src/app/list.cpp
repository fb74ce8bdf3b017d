// SPDX-License-Identifier: MIT
// meha list [problems|algorithms|formats|metrics|options]: the tables the program itself works from.
#include <iomanip>
#include <iostream>
#include <map>

#include "meha/app/verbs.hpp"
#include "meha/core/metric.hpp"
#include "meha/core/options.hpp"
#include "meha/data/formats.hpp"
#include "meha/problem/registry.hpp"
#include "meha/solver/registry.hpp"

namespace meha {
namespace {

void print(const std::string& name, const std::string& text) {
  std::cout << "  " << std::left << std::setw(20) << name << ' ' << text << '\n';
}

/// The entries whose sections have each option: "problem.type = a, b".
template <class Info>
void add_owners(const char* option, std::span<const Info> table, std::map<std::string, std::string>& owners) {
  for (const Info& entry : table) {
    for (Section section : entry.sections) {
      section.each([&](const OptionInfo& info, OptionValue) {
        std::string& names = owners[info.name];
        names += (names.empty() ? std::string(option) + " = " : ", ") + entry.name;
      });
    }
  }
}

void list_options() {
  std::map<std::string, std::string> owners;
  add_owners("problem.type", problem_table(), owners);
  add_owners("algorithm.name", algorithm_table(), owners);
  const Options defaults = all_options();
  visit(defaults, [&](const OptionInfo& info, const auto& value) {
    const std::string rule = info.rule.text();
    const std::string& owner = owners[info.name];
    std::cout << info.name << " = " << toml(value) << "\n    " << info.meaning << (rule.empty() ? "" : "; " + rule)
              << (info.free_on_resume() ? " [may change on resume]" : "") << (owner.empty() ? "" : " [" + owner + "]")
              << '\n';
  });
}

}  // namespace

ExitCode list_verb(const Arguments& arguments) {
  const auto wanted = [&](const char* what) { return arguments.target.empty() || arguments.target == what; };
  if (wanted("problems")) {
    std::cout << "problems (problem.type)\n";
    for (const auto& info : problem_table()) {
      print(info.name, info.summary);
    }
  }
  if (wanted("algorithms")) {
    std::cout << "algorithms (algorithm.name)\n";
    for (const auto& info : algorithm_table()) {
      print(info.name, info.summary);
    }
  }
  if (wanted("formats")) {
    std::cout << "formats (problem.data.format, data import --format)\n";
    for (const auto& info : format_table()) {
      print(info.name, info.summary);
    }
  }
  if (wanted("metrics")) {
    std::cout << "metrics (metrics.jsonl, /history)\n";
    for (const auto& info : metric_table()) {
      print(info.name, info.meaning);
    }
  }
  if (wanted("options")) {
    std::cout << "options (config, --set): name = default, meaning\n";
    list_options();
  }
  return ExitCode::Finished;
}

}  // namespace meha
