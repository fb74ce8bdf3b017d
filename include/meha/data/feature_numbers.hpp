// SPDX-License-Identifier: MIT
// New numbers 0, 1, … for those of many features that occur in some row, in their order: by a bit for each feature, and how
// many bits are set before each word of 64.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "meha/core/types.hpp"
#include "meha/data/storage.hpp"

namespace meha {

class FeatureNumbers {
 public:
  /// @param occurs  a bit for each feature
  explicit FeatureNumbers(std::vector<std::uint64_t> occurs) : occurs_(std::move(occurs)) {
    for (const std::uint64_t word : occurs_) {
      before_.push_back(static_cast<std::uint32_t>(size_));
      size_ += std::popcount(word);
    }
  }

  /// Returns how many features occur.
  [[nodiscard]] Index size() const { return size_; }
  /// Returns the new number of a feature that occurs.
  [[nodiscard]] std::uint32_t operator[](std::uint32_t feature) const {
    const std::uint64_t below = (std::uint64_t{1} << feature % 64) - 1;
    return before_[feature / 64] + static_cast<std::uint32_t>(std::popcount(occurs_[feature / 64] & below));
  }

 private:
  std::vector<std::uint64_t> occurs_;
  std::vector<std::uint32_t> before_;
  Index size_ = 0;
};

/// Gives entries, which stand in these bytes, the new numbers of their features.
inline void renumber_features(const FeatureNumbers& numbers, std::span<std::byte> entries) {
  for (Entry& entry : std::span(reinterpret_cast<Entry*>(entries.data()), entries.size() / sizeof(Entry))) {
    entry.feature = numbers[entry.feature];
  }
}

}  // namespace meha
