// SPDX-License-Identifier: MIT
// One trial of `meha compare`: a method from the common start to the end of its budget, measured on the way by what does not
// depend on the method.
#pragma once

#include <functional>
#include <memory>

#include "meha/core/history.hpp"
#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"
#include "plan.hpp"

namespace meha {

/// What all trials of a seed share on one group of ranks.
struct Contest {
  Options options;  // with everything chosen but the method's own
  std::unique_ptr<Problem> problem;
  State start;            // x, y, and the models of labels
  Real start_visits = 0;  // of the models of labels: rows times models, over the rows of the lower level
  StepScale scale;
};

/// Reads the data, makes the start, and measures the curvature there. Collective.
/// Errors: as a run; Error(Stopped) on request.
Contest make_contest(const ComparePlan& plan, Index seed, Communicator& comm, const std::function<Requests()>& poll);

enum class TrialStatus { Finished, Diverged, Refused };
inline constexpr std::array trial_status_names = {"finished", "diverged", "refused"};

struct TrialResult {
  TrialStatus status = TrialStatus::Finished;
  std::string note;      // of a refusal: why
  std::string settings;  // what it ran with, as for --set; steps chosen included
  History reports;       // every report has "visits"
};

/// Collective. The same bits on any number of ranks, but for seconds. Errors: Error(Stopped) on request.
TrialResult run_trial(const ComparePlan& plan, const TrialId& id, Contest& contest, Communicator& comm,
                      const std::function<Requests()>& poll);

}  // namespace meha
