// SPDX-License-Identifier: MIT
// How far a long command is, on standard error: on a terminal one live line, elsewhere a line every 10 seconds.
#pragma once

#include <chrono>
#include <string>

#include "meha/core/types.hpp"

namespace meha {

class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ProgressBar(ProgressBar&&) = delete;
  ProgressBar& operator=(ProgressBar&&) = delete;

  /// @param part  what is done, from 0 to 1  @param n_rows  handled so far; 0: not said
  void show(Real part, Index n_rows = 0);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool terminal_, live_ = false;
  Real first_part_ = -1;
  Index first_rows_ = 0;
  Clock::time_point start_, shown_;
};

/// "0:05", "1:02:03"
std::string duration_text(Real seconds);

}  // namespace meha
