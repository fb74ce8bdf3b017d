// SPDX-License-Identifier: MIT
// What a run directory or a state file says of its run: what meha inspect and meha report show.
#pragma once

#include <string>

#include "meha/core/history.hpp"

namespace meha {

struct Overview {
  Metrics metrics;       // of the state that results describe
  Index iterations = 0;  // completed
  std::string status;
  std::string config;  // TOML
  std::string labels;  // sentences about them
  History history;
};

/// Errors: Error(Checkpoint) for a damaged file.
Overview overview_of_file(const std::string& path);
/// Errors: Error(Config) where it is no run directory; Error(Checkpoint).
Overview overview_of_directory(const std::string& path);

}  // namespace meha
