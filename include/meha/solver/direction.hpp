// SPDX-License-Identifier: MIT
// How a gradient-like d becomes the direction along which a variable is stepped:
//   sgd       d
//   momentum  m ← μm + d,            direction m                        (heavy ball)
//             and where a proximal map has changed the step, m ← (step taken)/(step size): the inertial proximal
//             method, which stops where the plain one does              (Ochs, Chen, Brox, Pock, 2014: iPiano)
//   ema       m ← μm + (1−μ)d,       direction m
//   adam      m ← β₁m + (1−β₁)d,  v ← β₂v + (1−β₂)d²,  direction m̂ / (√v̂ + ε),
//             m̂ = m/(1−β₁^t),  v̂ = v/(1−β₂^t)                          (Kingma, Ba, ICLR 2015, Algorithm 1)
//             its scaling is not the proximal map's: for a nonsmooth g use one of the others
// With one x per row, t counts each row's own visits and ε is divided by n (d_x is O(1/n)).
#pragma once

#include "meha/core/options.hpp"
#include "meha/solver/state.hpp"

namespace meha {

struct AdamOptions {
  Real beta1 = 0.9;
  Real beta2 = 0.999;
  Real epsilon = 1e-8;
};

inline constexpr const char* directions = "sgd|momentum|ema|adam";

struct DirectionOptions {
  std::string optimizer_x = "auto", optimizer_y = "sgd";
  Real momentum = 0.9;
  AdamOptions adam;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.optimizer_x", Rule::one_of("auto|sgd|momentum|ema|adam"), Fixed,
                   "how d_x becomes a direction; auto: adam where there is one x per row, else sgd"},
        optimizer_x);
    see(OptionInfo{"algorithm.optimizer_y", Rule::one_of(directions), Fixed, "how d_y becomes a direction"},
        optimizer_y);
    see(OptionInfo{"algorithm.momentum", Rule::between(0, 1), Fixed,
                   "mu of momentum (m = mu*m + d) and ema (m = mu*m + (1-mu)*d)"},
        momentum);
    see(OptionInfo{"algorithm.adam.beta1", Rule::between(0, 1), Fixed, "decay of Adam's first moment"}, adam.beta1);
    see(OptionInfo{"algorithm.adam.beta2", Rule::between(0, 1), Fixed, "decay of Adam's second moment"}, adam.beta2);
    see(OptionInfo{"algorithm.adam.epsilon", Rule::positive(), Fixed,
                   "Adam's epsilon (divided by n for one x per row)"},
        adam.epsilon);
  }
};

/// algorithm.optimizer_x, "auto" resolved.
std::string optimizer_of_x(const AlgorithmOptions& options, bool per_row);

class Direction {
 public:
  /// @param variable  "x", "y", "theta": names the fields it adds to State     @param kind  sgd|momentum|ema|adam
  /// @param n_rows    > 0: one entry per row, of n_rows rows on all ranks; 0: shared
  Direction(std::string variable, std::string kind, const AlgorithmOptions& options, Index n_rows);

  /// Adds what it remembers to State: <variable>_momentum, or <variable>_adam_m, _adam_v (and _visits per row).
  void add_fields(State& state, Index size);
  /// d ← direction, for the entries `stored` of the variable. @param t  how often a shared variable has been stepped,
  /// this step included (from 1)
  void apply(State& state, Range stored, Index t, OutSpan d) const;
  /// Lets momentum know the step of a shared variable as it was taken. @param step  step size
  /// @param planned, taken  the variable without and with the proximal map
  void settle(State& state, Real step, const Vec& planned, const Vec& taken) const;

 private:
  void apply_adam(State& state, Range stored, Index t, OutSpan d) const;

  std::string variable_, kind_;
  Real momentum_;
  AdamOptions adam_;
  Real epsilon_;
  bool per_row_;
};

}  // namespace meha
