// SPDX-License-Identifier: MIT
#include "command_words.hpp"

#include <regex>

namespace meha {
namespace {

void replace(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

const FlagNames flags_of_clean = {.flags = {{"problem.data.label_column", "--label"},
                                            {"problem.data.columns, ", "--column "},
                                            {"problem.data.columns", "--column"},
                                            {"problem.data.header", "--header"},
                                            {"problem.data.format", "--format"},
                                            {"problem.data.train_labels (…)", "--labels"},
                                            {"problem.data.train_labels", "--labels"},
                                            {"problem.data.validation_labels", "--trusted-labels"},
                                            {"problem.data.validation_features", "--trusted"},
                                            {"problem.data.test_labels", "--test-labels"},
                                            {"problem.data.test_features", "--test"},
                                            {"with train_features", "with the table"},
                                            {"with validation_features", "with --trusted"},
                                            {"with test_features", "with --test"},
                                            {"as validation_features", "as --trusted"},
                                            {"problem.data.class_names", "--set problem.data.class_names"}},
                                  .has_set = true};

const FlagNames flags_of_import = {.flags = {{"problem.data.label_column", "--label-column"},
                                             {"problem.data.columns, ", "--column "},
                                             {"problem.data.columns", "--column"},
                                             {"problem.data.header", "--header"},
                                             {"problem.data.format", "--format"},
                                             {"problem.data.train_labels (…)", "--labels"},
                                             {"problem.data.sparse = \"never\"", "--sparse never"},
                                             {"problem.data.class_names", "--class-names"}}};

std::string in_flags(std::string text, const FlagNames& flags) {
  static const std::regex kind(R"(problem\.data\.columns, \{(\S[^{}]*) = \"([a-z]+)\"\})");
  text = std::regex_replace(text, kind, "--column $1=$2");
  for (const auto& [option, flag] : flags.flags) {
    replace(text, option + " = ", flag + " ");
    replace(text, option, flag);
  }
  static const std::regex setting(R"((^|[^.\w=])((?:problem|run|algorithm)\.[a-z_.]+) = ([^\s:;,]+))");
  return flags.has_set ? std::regex_replace(text, setting, "$1--set $2=$3") : text;
}

}  // namespace meha
