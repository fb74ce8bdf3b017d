// SPDX-License-Identifier: MIT
// Config files (TOML) ↔ Options. Unknown keys, wrong types and values out of range are Error(Config) with file and line:
//   a.toml:12: algorithm.gamma = -1: must be > 0
#pragma once

#include <string>
#include <vector>

#include "meha/core/options.hpp"

namespace meha {

/// Reads a config; run.name defaults to the file's name without extension. Relative paths in it are relative to its folder.
Options read_config(const std::string& path);

/// The same from text; `origin` is named in errors.
Options parse_config(const std::string& text, const std::string& origin);

/// Applies `a.b=value` settings in order; a value is TOML, else a plain string. Relative paths are relative to the current
/// directory. @return the names that were set
std::vector<std::string> apply_settings(Options& options, const std::vector<std::string>& settings);

/// The complete config, readable by read_config() from anywhere (paths are absolute).
std::string write_config(const Options& options);

}  // namespace meha
