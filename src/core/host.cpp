// SPDX-License-Identifier: MIT
#include "meha/core/host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace meha {

std::string host_name() {
  std::array<char, 256> text{};
  gethostname(text.data(), text.size() - 1);
  return text.data();
}

FileKind kind_of_file(const std::string& path, ExitCode on_error) {
  struct stat there {};
  if (stat(path.c_str(), &there) == 0) {
    return S_ISREG(there.st_mode) ? FileKind::Regular : S_ISDIR(there.st_mode) ? FileKind::Folder : FileKind::Other;
  }
  if (errno == ENOENT || errno == ENOTDIR) {
    return FileKind::None;
  }
  throw Error(on_error, path + ": cannot be opened: " + std::strerror(errno));
}

bool file_exists(const std::string& path, ExitCode on_error) {
  return kind_of_file(path, on_error) != FileKind::None;
}

}  // namespace meha
