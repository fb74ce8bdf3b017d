// SPDX-License-Identifier: MIT
// Tells those who wait which jobs have changed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

class Changes {
 public:
  void note(Index id) {
    {
      const std::scoped_lock lock(mutex_);
      last_[id] = ++number_;
    }
    changed_.notify_all();
  }
  /// Ends all waiting, for good.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      is_closed_ = true;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool is_closed() const {
    const std::scoped_lock lock(mutex_);
    return is_closed_;
  }
  /// The number of the newest change.
  [[nodiscard]] Index number() const {
    const std::scoped_lock lock(mutex_);
    return number_;
  }
  /// Waits for a change after the one of this number. @param since  becomes the number of the newest
  /// @return the jobs that have changed since; none when the time is over
  std::vector<Index> wait(Index& since, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return is_closed_ || number_ > since; });
    std::vector<Index> ids;
    for (const auto& [id, number] : last_) {
      if (number > since) {
        ids.push_back(id);
      }
    }
    since = number_;
    return ids;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Index, Index> last_;  // of a job: the number of its newest change
  Index number_ = 0;
  bool is_closed_ = false;
};

}  // namespace meha
