// SPDX-License-Identifier: MIT
// How many requests an address may make: each has a bucket of tokens, of which a request takes one, and which fills again at a
// steady rate.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "meha/core/types.hpp"

namespace meha {

/// May be used by any number of threads.
class RateLimit {
 public:
  /// @param per_s  tokens that come in a second; a bucket holds those of ten. 0: no limit
  explicit RateLimit(Index per_s) : per_s_(static_cast<double>(per_s)) {}

  /// Takes a token of an address; of IPv6 the first half counts, as one client has all addresses of it.
  /// @return 0, or in how many seconds there will be one
  Index take(const std::string& address);

 private:
  using Clock = std::chrono::steady_clock;
  struct Bucket {
    double tokens;
    Clock::time_point at;
  };
  void forget_full(Clock::time_point now);
  [[nodiscard]] double tokens_in(const Bucket& bucket, Clock::time_point now) const;

  double per_s_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace meha
