// SPDX-License-Identifier: MIT
// What the command line says: the verb, and its arguments. CLI11 takes long to compile, so each file of verbs_of_*.cpp
// holds the options of the verbs of one subject.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "meha/app/verbs.hpp"

namespace meha {

using Verb = ExitCode (*)(const Arguments&);
using MpiVerb = ExitCode (*)(const Arguments&, const Communicator&);

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Errors: CLI::ParseError.
  void parse(int argc, char** argv);

  /// Adds a verb. @param owner  command that it stands below, such as data; default: the program
  template <class AnyVerb>
  CLI::App* add(const char* name, const char* summary, AnyVerb function, CLI::App* owner = nullptr) {
    CLI::App* command = (owner != nullptr ? owner : &parser)->add_subcommand(name, summary);
    command->callback([this, function] { call(function); });
    return command;
  }

  CLI::App parser{"meha: distributed bi-level optimisation by the Moreau envelope method"};
  Arguments arguments;
  Verb verb = nullptr;  // of the two, the one that the command line names
  MpiVerb mpi_verb = nullptr;

 private:
  void call(Verb function) { verb = function; }
  void call(MpiVerb function) { mpi_verb = function; }
};

/// Add verbs and their options, those of a file each.
void add_verbs_of_runs(CommandLine& line);
void add_verbs_of_results(CommandLine& line);
void add_verbs_of_services(CommandLine& line);
void add_verbs_of_data(CommandLine& line);

/// Adds --set.
void add_settings(CLI::App* command, std::vector<std::string>& settings);

CLI::Range large_number();

}  // namespace meha
