// SPDX-License-Identifier: MIT
// What methods for a smooth lower level share: x and y in State, their steps and residuals, the choice of open steps. A
// method of this kind adds its equations: how it begins and its step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "meha/solver/algorithm.hpp"
#include "meha/solver/direction.hpp"
#include "meha/solver/smooth_lower.hpp"

namespace meha {

class SmoothMethod : public Algorithm {
 public:
  /// x, y and the helper variables.
  [[nodiscard]] std::vector<Variable> variables() const override;
  /// β = 1/‖∇²_yy of what y descends on‖ and η = 1/‖∇²_yy f‖ at the start, by power iteration; α as steps_from().
  std::string choose_steps(Oracle& oracle, AlgorithmOptions& options, const State& start) const override;
  /// Adds x, y, the helper variables and what the directions of x and y remember.
  /// Errors: Error(Config) where x per row is stored on rank 0 and the method needs it beside its rows.
  void add_fields(const Oracle& oracle, State& state) override;
  void init(Oracle& /*oracle*/, State& /*state*/) override {}
  /// Sets F and f at State, the residuals and the lengths of the last step.
  void measure(Oracle& oracle, State& state, Metrics& metrics) override;

 protected:
  struct Traits {
    std::string name;                       // algorithm.name
    std::vector<std::string> helpers = {};  // fields of State as long as y, which algorithm.eta steps
    Index ahead = 0;                        // at iteration k the helpers are of iteration k + this
    std::string refuses_minibatches = {};   // the reason; empty: takes them
    std::string refuses_optimizer_y = {};   // the reason; empty: steps of y take any direction
    bool needs_local_x = false;             // steps rows of x outside of a sweep
    bool plain_steps = false;               // knows no momentum: has no DirectionOptions
    Weights along_y = {};                   // what y descends on
    Real alpha_by_beta = 1;                 // of open steps: x against y
    bool inverts = false;                   // solves with ∇²_yy f; choosing steps warns where that seems singular
  };
  /// Errors: Error(Config) for a problem with a nonsmooth g or with bounds on y, and for minibatches and directions of y
  /// that it refuses.
  SmoothMethod(Traits traits, const AlgorithmOptions& options, const Problem& problem);

  [[nodiscard]] Real alpha(Index k) const { return options_.alpha.at(k, n_rows_); }
  [[nodiscard]] Real beta(Index k) const { return options_.beta.at(k, n_rows_); }
  [[nodiscard]] Real eta(Index k) const { return options_.eta.at(k, n_rows_); }
  /// These steps of y and helpers, and α = alpha_by_beta·β, with x per row n times that, with Adam 0.01.
  [[nodiscard]] OpenSteps steps_from(const AlgorithmOptions& options, Real beta, Real eta) const;
  /// x ← Proj_X(x − step·direction(d)) for these rows of State (shared x: all of it). Uses d up.
  void step_x(State& state, Range rows, Real step, Vec& d, RowSums& sums) const;
  /// The same for all of x stored here, outside of a sweep. @param d  shared x: counts on rank 0. Collective.
  void step_all_of_x(Oracle& oracle, State& state, Real step, Vec& d);
  /// Keeps what a sweep has summed up over the steps of its rows. On rank 0.
  void note_x(const RowSums& sums);
  /// y ← y − step·direction(d). Uses d up.
  void step_y(State& state, Real step, Vec& d) { step_y(state, state["y"], state.iteration + 1, step, d); }
  /// The same for another field that follows y. @param t  which step along y's direction it is, from 1
  void step_y(State& state, Vec& y, Index t, Real step, Vec& d);
  /// Sets a metric of the method's own at the next measure(); residuals among them count in "residual". On rank 0.
  void note(const char* metric, Real value);

  AlgorithmOptions options_;
  const Problem& problem_;
  const bool per_row_;
  const Index n_rows_;

 private:
  Traits traits_;
  Direction direction_x_, direction_y_;
  struct Last {
    Real x = 0, y = 0, step_x = 0, step_y = 0;
    bool is_summed = false;  // x and step_x are known
    std::vector<std::pair<std::string, Real>> own;
  } last_;
  bool has_stepped_ = false;
};

}  // namespace meha
