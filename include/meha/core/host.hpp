// SPDX-License-Identifier: MIT
// Questions to the operating system.
#pragma once

#include <string>

#include "meha/core/error.hpp"

namespace meha {

std::string host_name();

enum class FileKind { None, Regular, Folder, Other };

/// Returns what `path` leads to, symbolic links followed.
/// Errors: Error(on_error) when the system does not tell: no permission, a name that is too long, a loop of links.
FileKind kind_of_file(const std::string& path, ExitCode on_error);

/// Errors: Error(on_error) as kind_of_file() does.
bool file_exists(const std::string& path, ExitCode on_error);

}  // namespace meha
