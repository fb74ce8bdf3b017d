// SPDX-License-Identifier: MIT
#include "meha/io/progress.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <limits>
#include <utility>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "meha/io/progress_bar.hpp"
#include "meha/io/terminal.hpp"

namespace meha {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds live_interval{200};

struct Shown {
  const char* metric;
  const char* label;
  const char* format;
};
/// In the order in which they are left out where a terminal has no room for all.
constexpr std::array shown = {Shown{"upper_value", "F", "%.5g"},
                              Shown{"lower_value", "f", "%.5g"},
                              Shown{"residual", "residual", "%.2e"},
                              Shown{"error_x", "error_x", "%.2e"},
                              Shown{"error_y", "error_y", "%.2e"},
                              Shown{"f1", "F1", "%.4f"},
                              Shown{"auroc", "AUROC", "%.4f"},
                              Shown{"holdout_value", "held-out", "%.4f"},
                              Shown{"few_shot_accuracy", "few-shot", "%.4f"},
                              Shown{"test_error", "test", "%.5g"},
                              Shown{"test_accuracy", "test", "%.4f"}};

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

}  // namespace

Progress::Progress(const std::string& log_file, Index n_iterations, Index first_iteration)
    : terminal_(output_is_terminal()),
      n_iterations_(n_iterations),
      first_iteration_(first_iteration),
      start_(Clock::now()),
      shown_(start_) {
  try {
    log_ = std::make_unique<spdlog::logger>("run", std::make_shared<spdlog::sinks::basic_file_sink_mt>(log_file));
  } catch (const spdlog::spdlog_ex& error) {
    std::fprintf(stderr, "warning: %s; the run goes on without\n", error.what());
    log_ = std::make_unique<spdlog::logger>("run");
  }
  log_->flush_on(spdlog::level::info);
  log_->set_error_handler([told = false, log_file](const std::string& error) mutable {
    if (!std::exchange(told, true)) {
      std::fprintf(stderr, "warning: %s: %s; the run goes on without\n", log_file.c_str(), error.c_str());
    }
  });
}

Progress::~Progress() {
  clear_live_line();
}

std::string Progress::line(Index iteration, Index columns) const {
  std::vector<LinePart> parts = {{"iteration " + std::to_string(iteration) + "/" + std::to_string(n_iterations_)}};
  int rank = static_cast<int>(values_.size());
  for (const std::string& value : values_) {
    parts.push_back({"  " + value, rank--});
  }
  if (const Index done = iteration - first_iteration_; done > 0) {
    const Real per_iteration = std::chrono::duration<Real>(Clock::now() - start_).count() / static_cast<Real>(done);
    parts.push_back({formatted("  %.3g ms/iteration", per_iteration * 1e3), static_cast<int>(values_.size()) + 1});
    parts.push_back({"  ETA " + duration_text(per_iteration * static_cast<Real>(n_iterations_ - iteration))});
  }
  return line_of(std::move(parts), columns);
}

void Progress::clear_live_line() {
  if (live_) {
    std::fputs("\r\033[K", stdout);
    std::fflush(stdout);
    live_ = false;
  }
}

void Progress::report(const Metrics& metrics) {
  values_.clear();
  for (const Shown& item : shown) {
    if (const auto value = metrics.find(item.metric)) {
      values_.push_back(std::string(item.label) + " " + formatted(item.format, *value));
    }
  }
  const std::string text = line(metrics.iteration, std::numeric_limits<Index>::max());
  log_->info(text);
  if (!terminal_) {
    std::puts(text.c_str());
    std::fflush(stdout);
  }
}

void Progress::stepped(Index iteration) {
  if (!terminal_ || Clock::now() - shown_ < live_interval) {
    return;
  }
  shown_ = Clock::now();
  std::fputs(("\r\033[K" + line(iteration, terminal_columns(STDOUT_FILENO) - 1)).c_str(), stdout);
  std::fflush(stdout);
  live_ = true;
}

void Progress::say(const std::string& text) {
  clear_live_line();
  log_->info(text);
  std::puts(text.c_str());
  std::fflush(stdout);
}

void Progress::warn(const std::string& text) {
  clear_live_line();
  log_->warn(text);
  std::fputs(("warning: " + text + "\n").c_str(), stderr);
}

}  // namespace meha
