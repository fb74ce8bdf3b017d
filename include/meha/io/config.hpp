// SPDX-License-Identifier: MIT
// Config files (TOML) ↔ Options. Unknown keys, wrong types and values out of range are Error(Config) with file and line:
//   a.toml:12: algorithm.gamma = -1: must be > 0
#pragma once

#include <string>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/options.hpp"

namespace meha {

/// The whole file. Errors: Error(on_error) when it is missing, is no regular file (of a pipe nobody may write the other
/// end), or cannot be read.
std::string read_text(const std::string& path, ExitCode on_error);

/// Reads a config; run.name defaults to the file's name without extension. Relative paths in it are relative to its folder.
/// @param unreadable  the exit code when the file itself cannot be read: that of a run directory is no mistake in a config
Options read_config(const std::string& path, ExitCode unreadable = ExitCode::Config);

/// Reads a config from text; `origin` is named in errors.
Options parse_config(const std::string& text, const std::string& origin);

/// Applies `a.b=value` settings in order; a value is TOML, else a plain string. Relative paths are relative to the current
/// directory. @return the names that were set
std::vector<std::string> apply_settings(Options& options, const std::vector<std::string>& settings);

/// The complete config, readable by read_config() from anywhere (paths are absolute).
std::string write_config(const Options& options);

/// Whether a file is what write_config() makes of it: written by a run, not by a person.
bool is_resolved_config(const std::string& file);

}  // namespace meha
