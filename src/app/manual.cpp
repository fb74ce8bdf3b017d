// SPDX-License-Identifier: MIT
#include "manual.hpp"

#include <vector>

#include "command_line.hpp"
#include "examples.hpp"
#include "meha/core/shell_word.hpp"
#include "meha/core/version.hpp"

namespace meha {
namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& parser) {
  return parser.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

/// Text for troff: what begins a command or stands for a dash there is escaped.
std::string escaped(const std::string& text) {
  std::string result = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    result += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
  }
  return result;
}

/// A paragraph for each option and argument of a verb.
std::string options_of(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_name() != "--help" && option->get_name(false, true) != "-h,--help") {
      text += ".TP\n.B " + escaped(option->get_name(true, true)) + "\n" + escaped(option->get_description()) + "\n";
    }
  }
  return text;
}

/// @param name  of the command, with those that it belongs to
void add_verb(const CLI::App& command, const std::string& name, std::string& text) {
  text += ".SS " + escaped(name) + "\n" + escaped(command.get_description()) + "\n" + options_of(command) +
          ".PP\nExamples:\n.nf\n";
  for (const std::string& example : examples_of(name.substr(name.find(' ') + 1), installed_configs)) {
    text += escaped(example) + "\n";
  }
  text += ".fi\n";
  for (const CLI::App* below : verbs_of(command)) {
    add_verb(*below, name + " " + below->get_name(), text);
  }
}

/// Cases of the words before the one to be completed: "clean", "data import".
void add_cases(const CLI::App& command, const std::string& name, std::string& text) {
  std::string words;
  for (const CLI::App* below : verbs_of(command)) {
    add_cases(*below, name.empty() ? below->get_name() : name + " " + below->get_name(), text);
    words += " " + below->get_name();
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& option_name : option->get_lnames()) {
      words += " --" + option_name;
    }
  }
  text += "    '" + name + "') words='" + words.substr(1) + "' examples=(";
  for (const std::string& example : examples_of(name, installed_configs)) {
    text += " " + shell_word(example);
  }
  text += " ) ;;\n";
}

}  // namespace

std::string manual_page(const CLI::App& parser) {
  std::string text = ".TH MEHA 1 \"\" \"meha " + std::string(version()) +
                     "\" \"User Commands\"\n.SH NAME\nmeha \\- finds wrong labels, and solves bi\\-level problems\n"
                     ".SH SYNOPSIS\n.B meha\n.I verb\n[options]\n.SH VERBS\n";
  for (const CLI::App* command : verbs_of(parser)) {
    add_verb(*command, "meha " + command->get_name(), text);
  }
  return text + ".SH EXIT STATUS\n" + escaped(parser.get_footer()) + "\n";
}

std::string bash_completion(const CLI::App& parser) {
  std::string cases;
  add_cases(parser, "", cases);
  return "# Completion of meha's verbs and options by bash; in zsh: autoload bashcompinit && bashcompinit, then source "
         "this.\n"
         "_meha() {\n"
         "  local words examples=() here=${COMP_WORDS[COMP_CWORD]} verb=\n"
         "  [ \"$COMP_CWORD\" -lt 2 ] || verb=${COMP_WORDS[1]}\n"
         "  [ \"$verb\" != data ] || [ \"$COMP_CWORD\" -lt 3 ] || verb=\"data ${COMP_WORDS[2]}\"\n"
         "  case $verb in\n" +
         cases +
         "    *) words= ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$here\"))\n"
         "  # A second tab asks for a list (63), which ends with examples.\n"
         "  [ \"${COMP_TYPE:-}\" != 63 ] || [ ${#COMPREPLY[@]} -eq 0 ] || COMPREPLY+=(\"${examples[@]}\")\n"
         "}\n"
         "complete -o default -F _meha meha\n";
}

}  // namespace meha
