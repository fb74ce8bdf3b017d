// SPDX-License-Identifier: MIT
// Questions to the operating system.
#pragma once

#include <cstdint>
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

/// What a file that is written to differs in from before.
struct FileStamp {
  std::int64_t n_bytes = 0, changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Return all 0 where the system does not tell.
FileStamp stamp_of(const std::string& path);
FileStamp stamp_of(int open_file);

}  // namespace meha
