// SPDX-License-Identifier: MIT
#include "meha/data/fletcher32.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace meha {
namespace {

constexpr std::size_t n_lanes = 32;
constexpr std::size_t rounds = 256;  // Σ of 256·257/2 words of 16 bits fits 32 bits
constexpr std::uint64_t modulus = 65535;

using Lanes = std::array<std::uint32_t, n_lanes>;

/// Word l of every round goes to lane l: sums[l] = Σ_r w, sums_of_sums[l] = Σ_r (rounds − r)·w for rounds r = 0, 1, …
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void add_rounds(const std::byte* words,
                                                                                    std::size_t n_rounds, Lanes& sums,
                                                                                    Lanes& sums_of_sums) {
  Lanes a{};
  Lanes b{};
  for (std::size_t r = 0; r < n_rounds; ++r) {
    std::array<std::uint16_t, n_lanes> w;
    std::memcpy(w.data(), words + r * sizeof w, sizeof w);
    for (std::size_t l = 0; l < n_lanes; ++l) {
      a[l] += w[l];
      b[l] += a[l];
    }
  }
  sums = a;
  sums_of_sums = b;
}

/// Of little-endian words: 256 times it is the sum of big-endian ones, modulo 2^16 − 1.
struct Sums {
  std::uint64_t first = 0, second = 0;

  void add_word(std::uint64_t word) {
    first = (first + word) % modulus;
    second = (second + first) % modulus;
  }
  void add(const std::byte* words, std::size_t n_rounds) {
    Lanes a;
    Lanes b;
    add_rounds(words, n_rounds, a, b);
    second += n_rounds * n_lanes * first;
    for (std::size_t l = 0; l < n_lanes; ++l) {
      first += a[l];
      second += n_lanes * std::uint64_t{b[l]} - l * std::uint64_t{a[l]};
    }
    first %= modulus;
    second %= modulus;
  }
};

}  // namespace

bool fletcher32_matches(std::span<const std::byte> bytes, std::uint32_t stored) {
  constexpr std::size_t round_bytes = 2 * n_lanes;
  Sums sums;
  std::size_t at = 0;
  while (bytes.size() - at >= round_bytes) {
    const std::size_t n_rounds = std::min(rounds, (bytes.size() - at) / round_bytes);
    sums.add(bytes.data() + at, n_rounds);
    at += n_rounds * round_bytes;
  }
  for (; at + 2 <= bytes.size(); at += 2) {
    sums.add_word(std::to_integer<std::uint64_t>(bytes[at]) | std::to_integer<std::uint64_t>(bytes[at + 1]) << 8U);
  }
  if (at < bytes.size()) {
    sums.add_word(std::to_integer<std::uint64_t>(bytes[at]));
  }
  return sums.first * 256 % modulus == (stored & 0xffffU) % modulus &&
         sums.second * 256 % modulus == (stored >> 16U) % modulus;
}

}  // namespace meha
