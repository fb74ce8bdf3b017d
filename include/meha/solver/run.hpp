// SPDX-License-Identifier: MIT
// The run loop: step, report, checkpoint, until done or asked to stop. What a report or a checkpoint is, an observer knows.
#pragma once

#include <functional>
#include <optional>

#include "meha/core/history.hpp"
#include "meha/core/status.hpp"
#include "meha/solver/algorithm.hpp"

namespace meha {

/// Called on every rank. Members marked Collective may communicate.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;
  /// After every iteration.
  virtual void stepped(Index iteration) = 0;
  /// A line of metrics. Collective.
  virtual void report(const Metrics& metrics) = 0;
  /// Collective.
  virtual void checkpoint(const State& state) = 0;
  /// All reports so far, those of earlier lives too. On rank 0.
  [[nodiscard]] virtual const History& history() const = 0;
};

struct RunPlan {
  Index iterations = 0;
  Index report_every = 1;
  Index checkpoint_every = 0;  // 0: at the end or on request only
  // of StopRule; 0: no such rule
  Real stop_residual = 0, stop_error = 0;
  Index stop_no_progress = 0;
  /// Asked after every iteration, by all ranks: whether to write a checkpoint and end as Unbalanced. May be empty, may be
  /// Collective.
  std::function<bool(Index iteration)> is_unbalanced = {};
};

/// Everything that is measured at State. Collective.
Metrics measure(Algorithm& algorithm, Oracle& oracle, State& state);

/// Runs from State until plan.iterations are done or a rank asks to stop; both end with a report and a checkpoint.
/// A State that is not finite is neither reported nor written. Collective.
/// @param last_reported  iteration of the last report of an earlier life; −1: a fresh start
Status run(Algorithm& algorithm, Oracle& oracle, State& state, const RunPlan& plan, Index last_reported,
           Observer& observer);

}  // namespace meha
