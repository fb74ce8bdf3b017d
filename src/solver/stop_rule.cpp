// SPDX-License-Identifier: MIT
#include "meha/solver/stop_rule.hpp"

#include <algorithm>

#include "meha/solver/best_state.hpp"

namespace meha {
namespace {

/// Whether `report` is better than `best`, if there is one: on held-out rows where there are any, else by the residual.
bool has_progressed(const Metrics& report, const std::optional<Metrics>& best) {
  if (report.find("holdout_value") || (best && best->find("holdout_value"))) {
    return !best || is_better(report, *best);
  }
  const auto residual = report.find("residual");
  return residual && (!best || *residual < *best->find("residual"));
}

}  // namespace

void StopRule::add(const Metrics& report) {
  if (report.iteration % plan_.report_every == 0 && has_progressed(report, best_)) {
    best_ = report;
  }
  status_ = status_at(report);
}

std::optional<Status> StopRule::status_at(const Metrics& last) const {
  const auto residual = last.find("residual");
  if (plan_.stop_residual > 0 && residual && *residual <= plan_.stop_residual) {
    return Status::Converged;
  }
  const auto error_x = last.find("error_x");
  const auto error_y = last.find("error_y");
  if (plan_.stop_error > 0 && error_x && error_y && std::max(*error_x, *error_y) <= plan_.stop_error) {
    return Status::ErrorReached;
  }
  if (plan_.stop_no_progress > 0 && best_ && last.iteration - best_->iteration >= plan_.stop_no_progress) {
    return Status::NoProgress;
  }
  return std::nullopt;
}

}  // namespace meha
