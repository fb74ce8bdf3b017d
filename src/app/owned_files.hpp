// SPDX-License-Identifier: MIT
// Files of a directory that this program may write anew: those that it has written, as it left them. What a person put
// there, or has changed since, is never replaced. The list stands in DIR/clean.files.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "meha/core/host.hpp"

namespace meha {

class OwnedFiles {
 public:
  explicit OwnedFiles(std::string directory);
  /// Errors: Error(Checkpoint) where one of these files is there and is not as this program left it.
  void expect(const std::vector<std::string>& names) const;
  /// Writes a file durably. Errors: Error(Checkpoint), and what `fill` throws.
  void write(const std::string& name, const std::function<void(std::ostream& out)>& fill);
  /// Notes the stamp of something else under a name that no file has.
  void note(const std::string& name, const FileStamp& stamp);
  /// Returns what was noted, all 0 where nothing was.
  [[nodiscard]] FileStamp stamp_of_noted(const std::string& name) const;

 private:
  void save() const;

  std::string directory_;
  std::map<std::string, FileStamp> files_;  // all 0: may be in the making
};

}  // namespace meha
