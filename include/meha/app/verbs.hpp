// SPDX-License-Identifier: MIT
// The program's verbs; each lives in the source file of its name and returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/types.hpp"

namespace meha {

struct Arguments {
  std::string target;  // CONFIG.toml, DIR, FILE.h5 or what to list
  std::string out;
  std::string what;
  std::vector<std::string> settings;  // a.b=value
  bool json = false;
  std::string solution;  // DIR
  Real tolerance = 1e-8;
  Index iterations = 2000;
};

/// These start MPI.
ExitCode run_verb(const Arguments& arguments);
ExitCode resume_verb(const Arguments& arguments);
ExitCode export_verb(const Arguments& arguments);
ExitCode check_verb(const Arguments& arguments);
/// These do not.
ExitCode inspect_verb(const Arguments& arguments);
ExitCode list_verb(const Arguments& arguments);
ExitCode verify_verb(const Arguments& arguments);

}  // namespace meha
