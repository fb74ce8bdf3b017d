// SPDX-License-Identifier: MIT
// One piece of work at a time on a thread beside the caller. It must neither communicate nor touch what the caller uses
// meanwhile; what it fails with is kept until asked for.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "meha/core/error.hpp"

namespace meha {

class Background {
 public:
  Background() = default;
  /// Waits for the work.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Nothing may be under way: wait() first.
  void start(std::function<void()> work);
  /// Whether wait() would return at once.
  [[nodiscard]] bool is_done() const { return done_.load(std::memory_order_acquire); }
  /// Waits for the work, if there is some. @return what it failed with
  std::optional<Error> wait();

 private:
  std::thread thread_;
  std::atomic<bool> done_ = true;
  std::optional<Error> failure_;
};

}  // namespace meha
