// SPDX-License-Identifier: MIT
#include "meha/core/error.hpp"

#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

namespace meha {

Error as_error(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) {
    return *error;
  }
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return {ExitCode::Bug, "out of memory; meha plan says what a run takes"};
  }
  if (const auto* error = dynamic_cast<const std::filesystem::filesystem_error*>(&exception)) {
    return {ExitCode::Checkpoint, error->path1().string() + ": " + error->code().message()};
  }
  if (const auto* error = dynamic_cast<const std::system_error*>(&exception)) {
    return {ExitCode::Bug, "the system refused a resource: " + error->code().message() +
                               "; is a limit of threads or memory too low (ulimit -u, ulimit -v)?"};
  }
  return {ExitCode::Bug, exception.what()};
}

void require(bool condition, const char* rule, std::source_location where) {
  if (!condition) {
    const std::string_view path = where.file_name();
    throw Error(ExitCode::Bug, std::string("internal error, please report it: ") + rule + " (" +
                                   std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(where.line()) +
                                   ", " + where.function_name() + ")");
  }
}

}  // namespace meha
