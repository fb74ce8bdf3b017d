// SPDX-License-Identifier: MIT
// When reports end a run: at a small residual, at a small error, or without progress.
#pragma once

#include "meha/solver/run.hpp"

namespace meha {

/// Depends on the scheduled reports alone (multiples of report_every), so that a resumed run ends where the uninterrupted
/// one does. A report takes the same time however many came before it.
class StopRule {
 public:
  /// @param plan  must outlive this
  explicit StopRule(const RunPlan& plan) : plan_(plan) {}

  [[nodiscard]] bool is_set() const {
    return plan_.stop_residual > 0 || plan_.stop_error > 0 || plan_.stop_no_progress > 0;
  }
  /// Takes the next report into account.
  void add(const Metrics& report);
  /// What the rules say to all reports so far; nothing: go on.
  [[nodiscard]] std::optional<Status> status() const { return status_; }

 private:
  [[nodiscard]] std::optional<Status> status_at(const Metrics& last) const;

  const RunPlan& plan_;
  std::optional<Metrics> best_;  // of the scheduled reports
  std::optional<Status> status_;
};

}  // namespace meha
