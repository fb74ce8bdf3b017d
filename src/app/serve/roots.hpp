// SPDX-License-Identifier: MIT
// Which files the jobs of a service may read: regular files below some folders, wherever links lead.
#pragma once

#include <string>
#include <vector>

namespace meha {

class DataRoots {
 public:
  /// @param uploads  folder that relative names are relative to; a root, too
  /// Errors: Error(Config) where a root is no folder.
  DataRoots(std::string uploads, const std::vector<std::string>& roots);

  /// Returns the path without links of a file that a request names. Errors: Error(Config), the same for what is not there and
  /// what stands elsewhere. @param thing  named in errors
  [[nodiscard]] std::string resolve(const std::string& thing, const std::string& name) const;
  [[nodiscard]] const std::string& uploads() const { return uploads_; }

 private:
  std::string uploads_;
  std::vector<std::string> roots_;
};

/// Whether this may be the name of an upload: at most 100 letters, digits and . _ -, with a letter, digit or _ in front.
bool is_upload_name(const std::string& name);
/// Errors: Error(Config) unless is_upload_name().
void expect_upload_name(const std::string& name);

/// Errors: Error(Config) where a text has control characters, or is longer than this. @param thing  named in errors
void expect_plain_text(const std::string& thing, const std::string& text, std::size_t most);

}  // namespace meha
