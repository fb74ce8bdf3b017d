// SPDX-License-Identifier: MIT
// What is wrong with a file, all of it in one message, so that a person mends it once.
#pragma once

#include <string>
#include <utility>

#include "meha/core/error.hpp"
#include "meha/core/types.hpp"

namespace meha {

class Faults {
 public:
  explicit Faults(std::string path) : path_(std::move(path)) {}
  /// @param what  a sentence that begins with file and line
  void add(const std::string& what) {
    constexpr Index most_shown = 10;
    if (++n_ <= most_shown) {
      text_ += (text_.empty() ? "" : "\n") + what;
    } else {
      more_ = "\n" + path_ + ": and " + std::to_string(n_ - most_shown) + " further faults";
    }
  }
  /// Throws one Error(Data) for all of them.
  void throw_if_any() const {
    if (n_ > 0) {
      throw Error(ExitCode::Data, text_ + more_);
    }
  }

 private:
  std::string path_;
  Index n_ = 0;
  std::string text_, more_;
};

}  // namespace meha
