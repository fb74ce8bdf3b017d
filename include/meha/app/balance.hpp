// SPDX-License-Identifier: MIT
// Load balance: how many of the blocks each rank computes. The exact sum gives the same bits whoever computes a block, so
// rows may be redistributed during a run, by the measured speed of the ranks, where that saves more time in the iterations
// left than it costs. Only whole iterations are timed: a short benchmark at the start measures transient noise.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "meha/core/options.hpp"
#include "meha/solver/oracle.hpp"

namespace meha {

/// The load balancer of one job; it outlives each redistribution of rows.
class Balance {
 public:
  Balance(Communicator& comm, const Options& options);

  /// Before rows are dealt out: sets the communicator's weights, as given or as they turned out to be better.
  /// Errors: Error(Config) for a comm.balance that is neither a word nor one weight of each rank.
  void begin_deal();
  /// Starts measuring; called once every rank has its rows.
  void end_deal();
  /// Returns a sentence on which ranks have unequal shares; empty when rows are shared evenly. Collective.
  [[nodiscard]] std::string sentence() const;

  /// Asked after every iteration of "measured" runs: whether some ranks have been so much slower for their share that the
  /// time until `n_iterations` would be shorter with rows dealt out anew, reading them included. Looks after 1, 2, 4, 8, …
  /// iterations at what those since the last look took, if that is longer than dealing (twice as long after each deal).
  /// Collective.
  bool is_worth_a_deal(Oracle& oracle, Index iteration, Index n_iterations);

 private:
  using Clock = std::chrono::steady_clock;

  Communicator& comm_;
  const Options& options_;
  bool measures_;
  std::vector<Index> next_weights_;  // empty: as they are
  int n_deals_ = 0;
  Clock::time_point deal_began_;
  Real deal_s_ = 0;
  Index first_iteration_ = -1;  // of this deal; -1: none has been completed
  Index next_look_ = 0, looked_at_ = 0;
  Real compute_s_ = 0;  // at the last look
  Counts counts_;       // likewise
};

}  // namespace meha
