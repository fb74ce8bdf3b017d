// SPDX-License-Identifier: MIT
#include "meha/problem/capabilities.hpp"

#include <bit>

#include "meha/problem/problem.hpp"

namespace meha {

void list_bits(std::span<const std::uint64_t> bits, Index n, std::vector<Index>& numbers) {
  numbers.clear();
  for (std::size_t word = 0; word < bits.size(); ++word) {
    for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
      const Index number = static_cast<Index>(word) * 64 + std::countr_zero(left);
      if (number < n) {
        numbers.push_back(number);
      }
    }
  }
}

void OwnMetrics::tally(Level /*level*/, const Block& /*block*/, InSpan /*x*/, InSpan /*y*/, OutSpan /*tallies*/) {}

std::string fingerprint_of(Problem& problem) {
  const Provenance* const provenance = problem.provenance();
  return provenance != nullptr ? provenance->data_fingerprint() : "";
}

}  // namespace meha
