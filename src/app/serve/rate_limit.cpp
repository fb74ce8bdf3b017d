// SPDX-License-Identifier: MIT
#include "rate_limit.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

namespace meha {
namespace {

constexpr double burst_s = 10;
constexpr std::size_t most_buckets = 10000;

/// Which bucket an address has.
std::string key_of(const std::string& address) {
  constexpr std::size_t n_bytes = 8;  // of 16
  in6_addr whole{};
  const bool is_long = inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &whole) == 1;
  return is_long && !IN6_IS_ADDR_V4MAPPED(&whole) ? std::string(reinterpret_cast<const char*>(whole.s6_addr), n_bytes)
                                                  : address;
}

}  // namespace

double RateLimit::tokens_in(const Bucket& bucket, Clock::time_point now) const {
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  return std::min(per_s_ * burst_s, bucket.tokens + per_s_ * passed);
}

/// A full bucket is as good as none. Where all are in use, as in an attack from everywhere, all are forgotten.
void RateLimit::forget_full(Clock::time_point now) {
  std::erase_if(buckets_, [&](const auto& entry) { return tokens_in(entry.second, now) >= per_s_ * burst_s; });
  if (buckets_.size() >= most_buckets) {
    buckets_.clear();
  }
}

Index RateLimit::take(const std::string& address) {
  if (per_s_ == 0) {
    return 0;
  }
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  if (buckets_.size() >= most_buckets) {
    forget_full(now);
  }
  Bucket& bucket = buckets_.try_emplace(key_of(address), Bucket{per_s_ * burst_s, now}).first->second;
  bucket = {tokens_in(bucket, now), now};
  if (bucket.tokens < 1) {
    return static_cast<Index>(std::ceil((1 - bucket.tokens) / per_s_));
  }
  bucket.tokens -= 1;
  return 0;
}

}  // namespace meha
