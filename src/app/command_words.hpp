// SPDX-License-Identifier: MIT
// Messages of the library name options of a config. A person who gave flags on the command line reads the flags.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "meha/core/error.hpp"

namespace meha {

/// What a command line calls options of the config: {"problem.data.label_column", "--label"}, longer names first.
struct FlagNames {
  std::vector<std::pair<std::string, std::string>> flags;
  bool has_set = false;  // whether the command has --set, for all other options
};

/// Those of meha clean and meha pick.
extern const FlagNames flags_of_clean;
/// Those of meha data import.
extern const FlagNames flags_of_import;

/// Returns the text with flags in the place of options: "problem.data.label_column = "y"" becomes "--label "y"", and
/// "problem.data.columns, {"age" = "number"}" becomes "--column "age"=number". With --set, other
/// options that have values become settings: "--set problem.refit=true".
std::string in_flags(std::string text, const FlagNames& flags);

/// Calls f. Errors: as f, in flags.
template <class F>
auto with_flags_in_errors(const FlagNames& flags, const F& f) {
  try {
    return f();
  } catch (const AgreedError& error) {
    throw AgreedError(error.code(), in_flags(error.what(), flags));
  } catch (const Error& error) {
    throw Error(error.code(), in_flags(error.what(), flags));
  }
}

}  // namespace meha
