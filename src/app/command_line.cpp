// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <algorithm>

#include "examples.hpp"
#include "local_ranks.hpp"
#include "meha/core/edit_distance.hpp"
#include "meha/core/version.hpp"

namespace meha {
namespace {

std::string nearest_of(const std::vector<std::string>& words, const std::string& word) {
  return *std::ranges::min_element(words, {}, [&](const std::string& other) { return edit_distance(word, other); });
}

/// What the first unknown option may have been meant to be, of those of its verb; empty where all are known.
std::string nearest_option(const CLI::App& parser, int argc, char** argv) {
  const CLI::App* command = &parser;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      options.push_back("--" + name);
    }
  }
  for (const std::string word : std::span(argv + 1, static_cast<std::size_t>(argc - 1))) {
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") && name.size() > 2 && std::ranges::find(options, name) == options.end()) {
      return "; nearest to " + name + " is " + nearest_of(options, name);
    }
  }
  return {};
}

/// Ends the help of all verbs below a command with examples. @param name  of the command, with what it stands below
void add_examples(CLI::App& command, const std::string& name, const std::string& configs) {
  for (CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string verb = name + below->get_name();
    add_examples(*below, verb + " ", configs);
    std::string text = command.get_footer() + "\n\nExamples:";
    for (const std::string& example : examples_of(verb, configs)) {
      text += "\n  " + example;
    }
    below->footer(text);
  }
}

}  // namespace

CommandLine::CommandLine() {
  parser.set_version_flag("--version", std::string("meha ") + version() + " (" + git_commit() + ")");
  parser.add_flag("--manual")->description("print the manual page");
  parser.add_flag("--completion")->description("print what bash needs to complete verbs and options");
  parser.require_subcommand(1);
  parser.footer(
      "Exit codes: 0 finished, 2 config or usage, 3 data, 4 not finite, 5 run directory, 70 bug, 71 no progress, "
      "75 stopped on request (resume me).");
  add_verbs_of_runs(*this);
  add_verbs_of_results(*this);
  add_verbs_of_services(*this);
  add_verbs_of_data(*this);
  const std::string config = shipped_file("configs/strongly_convex.toml");
  add_examples(parser, {}, config.empty() ? installed_configs : config.substr(0, config.rfind('/')));
}

void CommandLine::parse(int argc, char** argv) {
  const auto is_meant = [&](const CLI::App* command) { return command->check_name(argv[1]); };
  if (argc > 1 && argv[1][0] != '-' && parser.get_subcommands(is_meant).empty()) {
    std::vector<std::string> verbs;
    for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; })) {
      verbs.push_back(command->get_name());
    }
    throw CLI::ParseError(std::string(argv[1]) + ": no such verb; nearest is " + nearest_of(verbs, argv[1]),
                          CLI::ExitCodes::ExtrasError);
  }
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ExtrasError& error) {
    throw CLI::ParseError(error.what() + nearest_option(parser, argc, argv), CLI::ExitCodes::ExtrasError);
  }
}

void add_settings(CLI::App* command, std::vector<std::string>& settings) {
  command->add_option("--set", settings, "a.b=value, as in the config; the last of equals wins")
      ->allow_extra_args(false);
}

CLI::Range large_number() {
  return CLI::Range(Index{1}, Index{1} << 20);
}

}  // namespace meha
