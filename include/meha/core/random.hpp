// SPDX-License-Identifier: MIT
// Random numbers without a generator state: each is a function of (seed, stream, step, row), so any rank can compute
// any of them and a resumed run draws what the uninterrupted one would have drawn.
// Source: Philox4x32-10, Salmon, Moraes, Dror, Shaw, SC 2011 (library Random123).
#pragma once

#include "meha/core/types.hpp"

namespace meha {

/// What a random number is for; different streams are independent.
enum class Stream : std::uint32_t {
  Shuffle = 1,
  NoiseRows = 2,
  NoiseLabels = 3,
  NoiseMatrix = 4,
  LowerBatch = 5,
  UpperBatch = 6,
  Start = 7,
  Check = 8,
  Episode = 9,
  Data = 10,
  Steps = 11,
  Search = 12,
  RowKeys = 13,  // order of rows on import
  Deform = 14,   // images made from images
  Mixture = 15,  // rows made from nothing
  Fold = 16,     // which rows judge which
  Trials = 17,   // options that are drawn
  Own = 1000,    // first of the streams that a user's own problem may use
};

/// 64 uniform bits. step < 2^32.
std::uint64_t random_bits(Index seed, Stream stream, Index step, Index row);

/// Uniform in [0, 1), a multiple of 2^-53.
Real random_uniform(Index seed, Stream stream, Index step, Index row);

/// Uniform in {0, …, bound − 1}. bound > 0 (the bias is below bound/2^64).
Index random_below(Index bound, Index seed, Stream stream, Index step, Index row);

/// Permutes `items` in place (Fisher–Yates); every order is equally likely.
void random_shuffle(std::span<Index> items, Index seed, Stream stream, Index step);

}  // namespace meha
