// SPDX-License-Identifier: MIT
#include "meha/solver/iaptt_gm.hpp"

namespace meha {
namespace {

constexpr Want all_of_upper = Want::Value | Want::GradX | Want::GradY;

}  // namespace

IapttGm::IapttGm(const AlgorithmOptions& options, const Problem& problem)
    : UnrolledMethod("iaptt_gm", {"z"}, options, problem, 0), own_(options.of<IapttGmOptions>()) {}

void IapttGm::init(Oracle& /*oracle*/, State& s) {
  s["z"] = s["y"];
}

void IapttGm::compare(Index t, const Result& upper) {
  if (t == 1 || upper.value > largest_.value) {
    largest_ = {.t = t, .value = upper.value, .grad_x = upper.grad_x, .grad_y = upper.grad_y};
  }
}

void IapttGm::step(Oracle& oracle, State& s) {
  s["y"] = s["z"];
  for (Index t = 0; t < own_.inner && !oracle.agreed().not_finite; ++t) {
    const Result* const upper = descend(oracle, s, t, own_.inner, t > 0 ? all_of_upper : Want::Nothing);
    if (upper != nullptr) {
      compare(t, *upper);
    }
  }
  if (!oracle.agreed().not_finite) {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& upper = sweep.upper(s["y"], all_of_upper);
    sweep.same_rows_next();
    sweep.run();
    compare(own_.inner, upper);
    const Vec p = go_back(oracle, s, {0, largest_.t}, largest_.grad_y, largest_.grad_x);
    note("residual_z", p.norm());
    s["z"] -= eta(s.iteration) * p;
  }
  s.iteration += 1;
}

}  // namespace meha
