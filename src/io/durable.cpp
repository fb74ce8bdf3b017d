// SPDX-License-Identifier: MIT
#include "meha/io/durable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "meha/core/error.hpp"

namespace meha {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(ExitCode::Checkpoint, path + ": cannot be " + what + ": " + std::strerror(errno));
}

void sync_path(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags);
  if (file < 0) {
    fail(path, "opened");
  }
  const int result = fsync(file);
  const bool unsupported = result != 0 && (errno == EINVAL || errno == ENOTSUP);  // some file systems, for folders
  close(file);
  if (result != 0 && !unsupported) {
    fail(path, "synced to disk");
  }
}

}  // namespace

void sync_file(const std::string& path) {
  sync_path(path, O_WRONLY);
}

void begin_file(const std::string& path, std::int64_t n_bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    fail(path, "written");
  }
  const bool reserved =
      fallocate(file, 0, 0, std::max<std::int64_t>(n_bytes, 1)) == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
  const int reason = errno;
  const bool emptied = ftruncate(file, 0) == 0;
  close(file);
  if (!reserved || !emptied) {
    unlink(path.c_str());
    errno = reserved ? errno : reason;
    fail(path, "written");
  }
}

void rename_durably(const std::string& part, const std::string& path) {
  sync_file(part);
  if (std::rename(part.c_str(), path.c_str()) != 0) {
    fail(path, "replaced");
  }
  const auto folder = std::filesystem::path(path).parent_path();
  sync_path(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
}

DurableFile::DurableFile(const std::string& path)
    : path_(path), part_(path + ".part"), file_(part_, std::ios::binary | std::ios::trunc) {
  if (!file_) {
    fail(part_, "written");
  }
}

DurableFile::~DurableFile() {
  if (!finished_) {
    file_.close();
    unlink(part_.c_str());
  }
}

void DurableFile::finish() {
  file_.close();
  if (!file_) {
    fail(part_, "written");
  }
  rename_durably(part_, path_);
  finished_ = true;
}

void write_durably(const std::string& path, const std::string& content) {
  DurableFile file(path);
  file.stream() << content;
  file.finish();
}

void replace_link(const std::string& target, const std::string& link) {
  std::error_code ignored;
  const std::string part = link + ".part";
  std::filesystem::remove(part, ignored);
  std::filesystem::create_symlink(target, part, ignored);
  if (!ignored) {
    std::filesystem::rename(part, link, ignored);
  }
}

}  // namespace meha
