// SPDX-License-Identifier: MIT
#include "meha/io/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <vector>

#include "meha/io/terminal.hpp"

namespace meha {
namespace {

constexpr std::size_t width = 24;

}  // namespace

std::string duration_text(Real seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  std::array<char, 32> text{};
  if (s < 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", s / 60, s % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  }
  return text.data();
}

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) != 0), start_(Clock::now()), shown_(start_) {}

ProgressBar::~ProgressBar() {
  if (live_) {
    std::fputs("\r\033[K", stderr);
  }
}

void ProgressBar::show(Real part, Index n_rows) {
  const auto now = Clock::now();
  if (first_part_ < 0) {
    first_part_ = part;
    first_rows_ = n_rows;
    start_ = now;
  }
  if (now - shown_ < (terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10000))) {
    return;
  }
  shown_ = now;
  const Real seconds = std::chrono::duration<Real>(now - start_).count();
  const auto filled = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * width);
  std::array<char, 96> numbers{};
  std::snprintf(numbers.data(), numbers.size(), " %3.0f %%", 100 * part);
  std::vector<LinePart> parts = {
      {what_, 1}, {" [" + std::string(filled, '#') + std::string(width - filled, '.') + "]", 2}, {numbers.data()}};
  if (n_rows > 0) {
    std::snprintf(numbers.data(), numbers.size(), "  %lld rows  %.3g rows/s", static_cast<long long>(n_rows),
                  static_cast<Real>(n_rows - first_rows_) / std::max(seconds, 1e-9));
    parts.push_back({numbers.data(), 3});
  }
  if (part > first_part_) {
    parts.push_back({"  ETA " + duration_text(seconds * (1 - part) / (part - first_part_))});
  }
  const std::string line =
      line_of(std::move(parts), terminal_ ? terminal_columns(STDERR_FILENO) - 1 : std::numeric_limits<Index>::max());
  std::fputs((terminal_ ? "\r\033[K" + line : line + "\n").c_str(), stderr);
  std::fflush(stderr);
  live_ = terminal_;
}

}  // namespace meha
