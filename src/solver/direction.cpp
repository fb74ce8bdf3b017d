// SPDX-License-Identifier: MIT
#include "meha/solver/direction.hpp"

#include <cmath>

#include "meha/core/power.hpp"

namespace meha {

std::string optimizer_of_x(const AlgorithmOptions& options, bool per_row) {
  return options.of<DirectionOptions>().optimizer_x != "auto" ? options.of<DirectionOptions>().optimizer_x
         : per_row                                            ? "adam"
                                                              : "sgd";
}

Direction::Direction(std::string variable, std::string kind, const AlgorithmOptions& options, Index n_rows)
    : variable_(std::move(variable)),
      kind_(std::move(kind)),
      momentum_(options.of<DirectionOptions>().momentum),
      adam_(options.of<DirectionOptions>().adam),
      epsilon_(n_rows > 0 ? options.of<DirectionOptions>().adam.epsilon / static_cast<Real>(n_rows)
                          : options.of<DirectionOptions>().adam.epsilon),
      per_row_(n_rows > 0) {}

void Direction::add_fields(State& state, Index size) {
  if (kind_ == "adam") {
    state.add(variable_ + "_adam_m", per_row_, size);
    state.add(variable_ + "_adam_v", per_row_, size);
    if (per_row_) {
      state.add(variable_ + "_visits", per_row_, size);
    }
  } else if (kind_ != "sgd") {
    state.add(variable_ + "_momentum", per_row_, size);
  }
}

void Direction::apply(State& state, Range stored, Index t, OutSpan d) const {
  if (kind_ == "adam") {
    apply_adam(state, stored, t, d);
  } else if (kind_ != "sgd") {
    const OutSpan m = slice(as_span(state[variable_ + "_momentum"]), stored);
    const Real share = kind_ == "ema" ? 1 - momentum_ : 1;
    for (std::size_t i = 0; i < d.size(); ++i) {
      m[i] = momentum_ * m[i] + share * d[i];
      d[i] = m[i];
    }
  }
}

void Direction::settle(State& state, Real step, const Vec& planned, const Vec& taken) const {
  if (kind_ != "momentum" || step == 0) {
    return;
  }
  Vec& m = state[variable_ + "_momentum"];
  for (Index i = 0; i < m.size(); ++i) {
    if (taken[i] != planned[i]) {
      m[i] += (planned[i] - taken[i]) / step;
    }
  }
}

void Direction::apply_adam(State& state, Range stored, Index t, OutSpan d) const {
  const OutSpan m = slice(as_span(state[variable_ + "_adam_m"]), stored);
  const OutSpan v = slice(as_span(state[variable_ + "_adam_v"]), stored);
  const OutSpan visits = per_row_ ? slice(as_span(state[variable_ + "_visits"]), stored) : OutSpan();
  Real visit = static_cast<Real>(t);
  Real correction_m = 1 - power(adam_.beta1, visit);
  Real correction_v = 1 - power(adam_.beta2, visit);
  for (std::size_t i = 0; i < d.size(); ++i) {
    if (per_row_ && ++visits[i] != visit) {
      visit = visits[i];
      correction_m = 1 - power(adam_.beta1, visit);
      correction_v = 1 - power(adam_.beta2, visit);
    }
    m[i] = adam_.beta1 * m[i] + (1 - adam_.beta1) * d[i];
    v[i] = adam_.beta2 * v[i] + (1 - adam_.beta2) * d[i] * d[i];
    d[i] = (m[i] / correction_m) / (std::sqrt(v[i] / correction_v) + epsilon_);
  }
}

}  // namespace meha
