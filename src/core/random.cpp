// SPDX-License-Identifier: MIT
#include "meha/core/random.hpp"

#include <Random123/philox.h>

#include <utility>

namespace meha {

std::uint64_t random_bits(Index seed, Stream stream, Index step, Index row) {
  const auto low = [](Index v) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(v)); };
  const auto high = [](Index v) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(v) >> 32U); };
  const r123::Philox4x32::ctr_type counter = {{low(row), high(row), low(step), static_cast<std::uint32_t>(stream)}};
  const r123::Philox4x32::key_type key = {{low(seed), high(seed)}};
  const auto bits = r123::Philox4x32()(counter, key);
  return (static_cast<std::uint64_t>(bits[1]) << 32U) | bits[0];
}

Real random_uniform(Index seed, Stream stream, Index step, Index row) {
  return static_cast<Real>(random_bits(seed, stream, step, row) >> 11U) * 0x1p-53;
}

Index random_below(Index bound, Index seed, Stream stream, Index step, Index row) {
  __extension__ using Wide = unsigned __int128;
  const auto product = static_cast<Wide>(random_bits(seed, stream, step, row)) * static_cast<std::uint64_t>(bound);
  return static_cast<Index>(static_cast<std::uint64_t>(product >> 64U));
}

void random_shuffle(std::span<Index> items, Index seed, Stream stream, Index step) {
  for (std::size_t i = items.size(); i > 1; --i) {
    const auto last = static_cast<Index>(i);
    const auto j = static_cast<std::size_t>(random_below(last, seed, stream, step, last));
    std::swap(items[i - 1], items[j]);
  }
}

}  // namespace meha
