// SPDX-License-Identifier: MIT
// A file of rows in the making, OUT: OUT.lock is locked by the command that makes it and, until OUT is complete, tells by
// its presence that an unfinished OUT, OUT.new and OUT.rows are this program's, and out of which inputs they are made.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "meha/core/host.hpp"

namespace meha {

class OutputClaim {
 public:
  /// Errors: Error(Checkpoint) when another command makes the same file, or when OUT.lock, OUT.new or OUT.rows are there
  /// and not left by an interrupted command.
  OutputClaim(const std::string& out, const std::vector<std::string>& inputs);
  /// Leaves OUT.lock where something unfinished is left.
  ~OutputClaim();
  OutputClaim(const OutputClaim&) = delete;
  OutputClaim& operator=(const OutputClaim&) = delete;

  /// Returns the inputs that are not what they were when an interrupted command began; empty: none.
  [[nodiscard]] const std::string& changed() const { return changed_; }
  /// Errors: Error(Data) where an input was written to while this command read it.
  void expect_same_inputs() const;
  /// OUT is complete.
  void settle() { is_complete_ = true; }

 private:
  void take();
  void expect_own_files() const;

  std::string out_, lock_, changed_;
  std::vector<std::pair<std::string, FileStamp>> inputs_;
  int file_ = -1;
  bool is_new_ = true, was_there_ = false, is_complete_ = false;
};

}  // namespace meha
