// SPDX-License-Identifier: MIT
// Minibatches on every rank: the owners of their rows send them to all, so that each rank can train models of its own on them.
// A minibatch is small beside the sums of the gradients of many models, which then need not be exchanged.
#pragma once

#include "meha/problem/cross_fit.hpp"
#include "meha/solver/oracle.hpp"

namespace meha {

class SharedRows {
 public:
  /// @param oracle  whose minibatches they are     Both must outlive this.
  SharedRows(Oracle& oracle, CrossFit& problem) : oracle_(oracle), problem_(problem) {}

  /// Brings the rows of the minibatch of step k: CrossFit::add() takes any of its blocks until the next call. What ranks ask
  /// for travels with them. Collective: no message on one rank.
  /// @param failure  of this rank, of what it did since the last call     @return what any rank asks for
  /// Errors, on all ranks: `failure` of any of them, or Error(Data) where rows cannot be read.
  Requests bring(Index k, std::span<const Level> levels, const Requests& mine, std::optional<Error> failure);

 private:
  void announce(Index k, Level level);
  void pack(Index k, std::span<const Level> levels);

  Oracle& oracle_;
  CrossFit& problem_;
  std::vector<std::byte> message_;
  std::vector<Index> expected_;
};

}  // namespace meha
