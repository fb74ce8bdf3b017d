// SPDX-License-Identifier: MIT
#include "meha/core/host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace meha {
namespace {

FileStamp stamp_of(const struct stat& there) {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  return {.n_bytes = there.st_size, .changed_ns = there.st_mtim.tv_sec * ns_per_s + there.st_mtim.tv_nsec};
}

}  // namespace

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

FileStamp stamp_of(const std::string& path) {
  struct stat there {};
  return stat(path.c_str(), &there) == 0 ? stamp_of(there) : FileStamp();
}

FileStamp stamp_of(int open_file) {
  struct stat there {};
  return fstat(open_file, &there) == 0 ? stamp_of(there) : FileStamp();
}

}  // namespace meha
