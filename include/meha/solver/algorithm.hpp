// SPDX-License-Identifier: MIT
// The interface of a method: one step from State_k to State_{k+1}, through the Oracle. All it changes lives in State.
#pragma once

#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"

namespace meha {

/// Points at which an iteration visits every row of its minibatches: what its cost is counted in.
struct Visits {
  Index lower = 0, upper = 0;
};

class Algorithm {
 public:
  Algorithm() = default;
  Algorithm(const Algorithm&) = delete;
  Algorithm& operator=(const Algorithm&) = delete;
  virtual ~Algorithm() = default;

  /// Adds the fields of State, all zero.
  virtual void add_fields(const Oracle& oracle, State& state) = 0;
  /// From (x⁰, y⁰) to State_0: the prologue. Collective.
  virtual void init(Oracle& oracle, State& state) = 0;
  /// One iteration. A value that is not finite shows in oracle.agreed(). Collective.
  virtual void step(Oracle& oracle, State& state) = 0;
  /// Of an iteration; lower level: at y and θ, upper level: at y, unless a method says otherwise.
  [[nodiscard]] virtual Visits visits() const { return {.lower = 2, .upper = 1}; }
  /// Adds the method's own metrics: residuals of the last step, the gap at State. Collective.
  virtual void measure(Oracle& oracle, State& state, Metrics& metrics) = 0;
};

}  // namespace meha
