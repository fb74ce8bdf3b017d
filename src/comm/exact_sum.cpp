// SPDX-License-Identifier: MIT
#include "meha/comm/exact_sum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace meha {
namespace {

constexpr Real magic = 0x1.8p52;  // adding it rounds to an integer, which then stands in the low bits
constexpr Real lo_scale = 0x1p64;

std::uint64_t integer_of(Real with_magic) {
  return std::bit_cast<std::uint64_t>(with_magic) - std::bit_cast<std::uint64_t>(magic);
}

struct Scaling {
  Real scale;          // of shares
  Real bound;          // largest addend
  Real hi_scale;       // 2^h
  std::size_t lo_gap;  // from a hi to its lo
};

/// Adds scale·share to the limbs whose hi begin at `hi`. @return 0 when every addend was within the bound
[[gnu::always_inline]] inline std::uint64_t add_run(const Real* __restrict share, std::size_t n, const Scaling& by,
                                                    std::int64_t* __restrict hi) {
  const Real hi_unit = 1 / by.hi_scale;
  std::int64_t* const __restrict lo = hi + by.lo_gap;
  std::uint64_t any_beyond = 0;  // a count of them would be one chain of additions
  for (std::size_t i = 0; i < n; ++i) {
    const Real v = share[i] * by.scale;
    any_beyond |= std::fabs(v) <= by.bound ? 0U : 1U;
    const Real high = v * by.hi_scale + magic;
    const Real rest = v - (high - magic) * hi_unit;
    const Real low = rest * lo_scale + magic;
    hi[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(hi[i]) + integer_of(high));
    lo[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(lo[i]) + integer_of(low));
  }
  return any_beyond;
}

__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) bool add_limbs(const Real* share, std::size_t n,
                                                                                   const Scaling& by,
                                                                                   std::int64_t* hi) {
  return add_run(share, n, by, hi) == 0;
}

/// The same for pieces of `width` numbers, of which piece i goes to the limbs from places[i]·width on.
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) bool add_pieces_of_limbs(
    const Real* share, std::size_t width, std::span<const std::uint32_t> places, const Scaling& by, std::int64_t* hi) {
  constexpr std::size_t ahead = 8;  // limbs on their way to the cache
  std::uint64_t any_beyond = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + ahead < places.size()) {
      const std::int64_t* const next = hi + places[i + ahead] * width;
      __builtin_prefetch(next, 1);
      __builtin_prefetch(next + by.lo_gap, 1);
    }
    any_beyond |= add_run(share + i * width, width, by, hi + places[i] * width);
  }
  return any_beyond == 0;
}

/// As static_cast<Real>(integer), rounded once, where vectors have no such instruction: the upper half, plus 2^31, stands in
/// the low bits of 2^84 + 2^32·half, the lower half in those of 2^52 + half.
Real real_of(std::int64_t integer) {
  constexpr Real high_magic = 0x1p84;
  constexpr Real low_magic = 0x1p52;
  const auto bits = static_cast<std::uint64_t>(integer) ^ std::uint64_t{1} << 63;
  const Real high = std::bit_cast<Real>(bits >> 32 | std::bit_cast<std::uint64_t>(high_magic));
  const Real low = std::bit_cast<Real>((bits & 0xffffffffU) | std::bit_cast<std::uint64_t>(low_magic));
  return (high - (high_magic + 0x1p63 + low_magic)) + low;
}

__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void read_limbs(const std::int64_t* __restrict hi,
                                                                                    const std::int64_t* __restrict lo,
                                                                                    std::size_t n, Real hi_unit,
                                                                                    Real scale,
                                                                                    Real* __restrict values) {
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = (real_of(hi[i]) * hi_unit + real_of(lo[i]) * (1 / lo_scale)) * scale;
  }
}

}  // namespace

void ExactSum::reset(Index n_values, Index n_addends) {
  n_values_ = static_cast<std::size_t>(n_values);
  const int log2_addends = scale_exponent(n_addends);
  const int h = std::max(12, 1 + log2_addends);
  hi_scale_ = std::ldexp(1.0, h);
  bound_ = std::ldexp(1.0, std::min(51, 62 - log2_addends) - h);
  if (kind_ == Kind::Exact) {
    limbs_.assign(n_flags + 2 * n_values_, 0);
  } else {
    plain_.assign(n_flags + n_values_, 0.0);
  }
}

void ExactSum::add(Index offset, InSpan share, Real factor, int exponent) {
  const Real scale = std::ldexp(factor, exponent);
  const std::size_t first = n_flags + static_cast<std::size_t>(offset);
  bool within = true;
  if (kind_ == Kind::Exact) {
    const Scaling by{.scale = scale, .bound = bound_, .hi_scale = hi_scale_, .lo_gap = n_values_};
    within = add_limbs(share.data(), share.size(), by, limbs_.data() + first);
  } else {
    for (std::size_t i = 0; i < share.size(); ++i) {
      plain_[first + i] += share[i] * scale;
      within = within && std::isfinite(plain_[first + i]);
    }
  }
  if (!within) {
    raise(Flag::NotFinite);
  }
}

void ExactSum::add_pieces(Index offset, std::span<const std::uint32_t> places, Index width, InSpan share, Real factor,
                          int exponent) {
  if (kind_ == Kind::Exact) {
    const Scaling by{
        .scale = std::ldexp(factor, exponent), .bound = bound_, .hi_scale = hi_scale_, .lo_gap = n_values_};
    if (!add_pieces_of_limbs(share.data(), static_cast<std::size_t>(width), places, by,
                             limbs_.data() + n_flags + offset)) {
      raise(Flag::NotFinite);
    }
    return;
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto first = static_cast<Index>(i) * width;
    add(offset + places[i] * width, slice(share, {first, first + width}), factor, exponent);
  }
}

void ExactSum::raise(Flag flag) {
  if (kind_ == Kind::Exact) {
    limbs_[static_cast<std::size_t>(flag)] = 1;
  } else {
    plain_[static_cast<std::size_t>(flag)] = 1;
  }
}

void ExactSum::allreduce(const Communicator& comm) {
  if (kind_ == Kind::Exact) {
    comm.sum(limbs_);
  } else {
    comm.sum(OutSpan(plain_));
  }
}

Index ExactSum::bytes() const {
  return kind_ == Kind::Exact ? std::ssize(limbs_) * Index{sizeof(limbs_[0])}
                              : std::ssize(plain_) * Index{sizeof(Real)};
}

bool ExactSum::raised(Flag flag) const {
  const auto at = static_cast<std::size_t>(flag);
  return kind_ == Kind::Exact ? limbs_[at] != 0 : plain_[at] != 0;
}

void ExactSum::read(Index offset, int exponent, OutSpan values) const {
  const Real scale = std::ldexp(1.0, -exponent);
  const std::size_t first = n_flags + static_cast<std::size_t>(offset);
  if (kind_ == Kind::Plain) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = plain_[first + i] * scale;
    }
    return;
  }
  const std::int64_t* hi = limbs_.data() + first;
  read_limbs(hi, hi + n_values_, values.size(), 1 / hi_scale_, scale, values.data());
}

Real ExactSum::read(Index offset, int exponent) const {
  Real value = 0;
  read(offset, exponent, {&value, 1});
  return value;
}

int scale_exponent(Index n) {
  int exponent = 0;
  while ((Index{1} << exponent) < n) {
    ++exponent;
  }
  return exponent;
}

}  // namespace meha
