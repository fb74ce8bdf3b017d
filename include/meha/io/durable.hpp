// SPDX-License-Identifier: MIT
// Files that survive a crash: written under another name, fsynced, renamed, the folder fsynced.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace meha {

/// Moves the complete file `part` to `path`, so that after a crash either the old or the new one is there, whole.
/// Errors: Error(Checkpoint).
void rename_durably(const std::string& part, const std::string& path);

/// A file in the making: stands under its name when finish() has returned, and leaves nothing behind otherwise.
class DurableFile {
 public:
  explicit DurableFile(const std::string& path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  [[nodiscard]] std::ostream& stream() { return file_; }
  /// Errors: Error(Checkpoint) when anything could not be written.
  void finish();

 private:
  std::string path_, part_;
  std::ofstream file_;
  bool finished_ = false;
};

/// Replaces the content of `path` in the same way. Errors: Error(Checkpoint).
void write_durably(const std::string& path, const std::string& content);

/// Fails where `n_bytes` cannot be written to this file for want of space, quota, permission or folder; else leaves it
/// empty. Errors: Error(Checkpoint) with the system's reason.
void begin_file(const std::string& path, std::int64_t n_bytes);

/// Makes a written file reach the disk. Errors: Error(Checkpoint).
void sync_file(const std::string& path);

/// Makes `link` point to `target` (relative to the link's folder), atomically. Failure is ignored: it is for people.
void replace_link(const std::string& target, const std::string& link);

}  // namespace meha
