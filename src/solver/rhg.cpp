// SPDX-License-Identifier: MIT
#include "meha/solver/rhg.hpp"

#include <algorithm>

namespace meha {

Rhg::Rhg(const AlgorithmOptions& options, const Problem& problem)
    : UnrolledMethod("rhg", {}, options, problem, options.of<RhgOptions>().mixture),
      own_(options.of<RhgOptions>()),
      is_cold_(own_.start == "cold") {}

void Rhg::add_fields(const Oracle& oracle, State& s) {
  UnrolledMethod::add_fields(oracle, s);
  if (is_cold_) {
    s.add("y_start", false, problem_.n_y());
  }
}

void Rhg::init(Oracle& /*oracle*/, State& s) {
  if (is_cold_) {
    s["y_start"] = s["y"];
  }
}

void Rhg::step(Oracle& oracle, State& s) {
  const Index n_steps = own_.inner;
  if (is_cold_) {
    s["y"] = s["y_start"];
  }
  for (Index t = 0; t < n_steps && !oracle.agreed().not_finite; ++t) {
    descend(oracle, s, t, n_steps);
  }
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& upper = sweep.upper(s["y"], Want::GradX | Want::GradY);
  sweep.same_rows_next();
  sweep.run();
  const Index first = own_.truncate > 0 ? std::max<Index>(n_steps - own_.truncate, 0) : 0;
  const Vec grad_x = upper.grad_x;
  go_back(oracle, s, {first, n_steps}, upper.grad_y, grad_x);
  s.iteration += 1;
}

}  // namespace meha
