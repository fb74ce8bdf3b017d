// SPDX-License-Identifier: MIT
// Questions about the order of numbers that are spread over ranks, answered without any rank holding them all: each rank
// sorts its own, offers every s-th of them, and all agree on cuts between what was offered. The answers are integers
// that do not depend on who holds what.
#pragma once

#include <algorithm>
#include <optional>

#include "meha/comm/communicator.hpp"

namespace meha {

/// Cuts what all ranks hold together, in order, into about equal parts: none has more than twice the mean and one item
/// per rank, where no item is there more than once on a rank; equal items are in one part. Collective.
/// @param sorted  this rank's items
/// @return (n_parts + 1): this rank's items of part p are [cuts[p], cuts[p + 1])
template <class T>
std::vector<Index> cut_in_order(const Communicator& comm, std::span<const T> sorted, Index n_parts) {
  const auto n_here = static_cast<Index>(sorted.size());
  Index n_all = n_here;
  comm.sum({&n_all, 1});
  const Index n_offers = n_parts * std::max<Index>(32, comm.size());
  const Index stride = std::max<Index>(1, n_all / n_offers);
  std::vector<T> offers;
  for (Index i = stride - 1; i < n_here && n_parts > 1; i += stride) {
    offers.push_back(sorted[static_cast<std::size_t>(i)]);
  }
  offers = comm.gather_all(std::span<const T>(offers));
  std::sort(offers.begin(), offers.end());
  std::vector<Index> cuts = {0};
  for (Index part = 1; part < n_parts; ++part) {
    const Index at = part * static_cast<Index>(offers.size()) / n_parts;
    cuts.push_back(offers.empty()
                       ? n_here
                       : std::lower_bound(sorted.begin(), sorted.end(), offers[static_cast<std::size_t>(at)]) -
                             sorted.begin());
  }
  cuts.push_back(n_here);
  return cuts;
}

/// Probability that a clean row outranks a corrupted one by `score`, ties counted half (mid-ranks): whole numbers up to
/// the last division, so the same bits on any number of ranks. Takes up to 32 bytes per row held here. Collective.
/// @param score, is_clean  of the rows held here
/// @return the same on all ranks; nothing when one of the kinds is missing or a score is not a number
std::optional<Real> auroc(const Communicator& comm, InSpan score, std::span<const std::uint8_t> is_clean);

}  // namespace meha
