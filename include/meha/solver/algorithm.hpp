// SPDX-License-Identifier: MIT
// The interface of a method: one step from State_k to State_{k+1}, through the Oracle. All it changes lives in State.
#pragma once

#include "meha/core/options.hpp"
#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"

namespace meha {

/// A field of State that is a solution or part of one, and the option that its step size is.
struct Variable {
  std::string name;
  std::string step;
};

class Algorithm {
 public:
  Algorithm() = default;
  Algorithm(const Algorithm&) = delete;
  Algorithm& operator=(const Algorithm&) = delete;
  virtual ~Algorithm() = default;

  /// x, y and what else the method moves: what the best state keeps, what run.initial_state may give, and what is looked
  /// at when numbers blow up. x and y come first.
  [[nodiscard]] virtual std::vector<Variable> variables() const {
    return {{.name = "x", .step = "algorithm.alpha"}, {.name = "y", .step = "algorithm.beta"}};
  }
  /// Chooses the step sizes of `options` that are open, by the method's own rule; the same on any number of ranks. The
  /// default has no rule. Collective.
  /// @param start  x and y where the run begins     @return a sentence for people; empty when nothing was open
  /// Errors, on all ranks: Error(Config) where there is no rule for an open step.
  virtual std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const;
  /// Adds the fields of State, all zero.
  virtual void add_fields(const Oracle& oracle, State& state) = 0;
  /// Turns (x⁰, y⁰) into State_0: the prologue. Collective.
  virtual void init(Oracle& oracle, State& state) = 0;
  /// Makes one iteration. A value that is not finite shows in oracle.agreed(). Collective.
  virtual void step(Oracle& oracle, State& state) = 0;
  /// Adds the method's own metrics: residuals of the last step, the gap at State. Collective.
  virtual void measure(Oracle& oracle, State& state, Metrics& metrics) = 0;
};

}  // namespace meha
