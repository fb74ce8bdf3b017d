// SPDX-License-Identifier: MIT
// A sum that does not depend on the order of its addends, so that results do not depend on the number of ranks.
//   A double v becomes two integers,  hi = round(v·2^h),  lo = round((v − hi·2^-h)·2^64),
//   which are added as integers (exactly) on every rank and over the ranks in ONE allreduce, and converted back once.
// For at most N addends a value, h = max(12, 1 + ⌈log2 N⌉) makes every sum fit 64 bits. Addends are first multiplied by a
// power of two chosen by the caller so that their size is about 1 (exact). An addend larger than 2^(51−h) or 2^(62−h)/N
// (2^39 for N ≤ 2048), or not finite, raises Flag::NotFinite. Resolution: 2^-64.
#pragma once

#include <vector>

#include "meha/comm/communicator.hpp"

namespace meha {

class ExactSum {
 public:
  enum class Kind { Exact, Plain };  // Plain: an allreduce of doubles, for comparison
  /// Flags that ranks raise for all ranks, summed with every message.
  enum class Flag : std::size_t { NotFinite, Stop, TimeLimit, Checkpoint, Failed };
  static constexpr std::size_t n_flags = 5;

  explicit ExactSum(Kind kind) : kind_(kind) {}

  /// Makes room for `n_values` sums of at most `n_addends` addends each, all zero.
  void reset(Index n_values, Index n_addends);
  /// Adds factor·share[i]·2^exponent to value offset + i. Allocates: no.
  void add(Index offset, InSpan share, Real factor, int exponent);
  /// Adds pieces of `width` numbers: piece i of share to the values from offset + places[i]·width on. Allocates: no.
  void add_pieces(Index offset, std::span<const std::uint32_t> places, Index width, InSpan share, Real factor,
                  int exponent);
  void raise(Flag flag);
  /// Sums over all ranks in one message. Collective.
  void allreduce(const Communicator& comm);
  [[nodiscard]] bool raised(Flag flag) const;
  /// Returns the size of the message.
  [[nodiscard]] Index bytes() const;
  /// Sets values[i] to sum offset + i, divided by 2^exponent.
  void read(Index offset, int exponent, OutSpan values) const;
  [[nodiscard]] Real read(Index offset, int exponent) const;

 private:
  Kind kind_;
  std::size_t n_values_ = 0;
  Real hi_scale_ = 1;                // 2^h
  Real bound_ = 0;                   // largest addend
  std::vector<std::int64_t> limbs_;  // flags, all hi, all lo
  std::vector<Real> plain_;          // flags, values
};

/// Returns ⌈log2 n⌉: 2^this makes shares of a mean over n rows about 1.
int scale_exponent(Index n);

}  // namespace meha
