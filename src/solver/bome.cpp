// SPDX-License-Identifier: MIT
#include "meha/solver/bome.hpp"

#include <algorithm>
#include <cmath>

namespace meha {

Bome::Bome(const AlgorithmOptions& options, const Problem& problem)
    : SmoothMethod({.name = "bome",
                    .refuses_minibatches = "on minibatches its multiplier is biased",
                    .needs_local_x = true,
                    .along_y = {.lower = 1, .upper = 1}},
                   options, problem),
      own_(options.of<BomeOptions>()) {}

/// The inner loop. Every rank computes the same y_t from the same sums.
void Bome::estimate(Oracle& oracle, State& s) {
  const Real b = eta(s.iteration);
  Barrier& here = barrier_;
  {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(s["y"], Want::Value | Want::GradX | Want::GradY);
    const Result& upper = sweep.upper(s["y"], Want::GradX | Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    here = {.q = lower.value,
            .grad_x_q = lower.grad_x,
            .grad_y_q = lower.grad_y,
            .grad_x_upper = upper.grad_x,
            .grad_y_upper = upper.grad_y};
  }
  inner_ = s["y"] - b * here.grad_y_q;
  for (Index t = 1; t < own_.inner; ++t) {
    auto sweep = oracle.sweep(s["x"], s.iteration);
    const Result& lower = sweep.lower(inner_, Want::GradY);
    sweep.same_rows_next();
    sweep.run();
    inner_ -= b * lower.grad_y;
  }
  auto sweep = oracle.sweep(s["x"], s.iteration);
  const Result& lower = sweep.lower(inner_, Want::Value | Want::GradX);
  sweep.same_rows_next();
  sweep.after([&](Range rows, RowSums& sums) {
    auto of_rows = here.grad_x_q.segment(rows.begin, rows.size());
    of_rows -= lower.grad_x.segment(rows.begin, rows.size());
    sums.residual_square += of_rows.squaredNorm();
  });
  sweep.run();
  here.q -= lower.value;
  here.square_x = sweep.row_sums().residual_square;
}

/// λ.
Real Bome::multiplier() const {
  constexpr Real tiny = 1e-8;
  const Barrier& here = barrier_;
  const Real square = here.square_x + here.grad_y_q.squaredNorm();
  const Real product = (per_row_ ? 0 : here.grad_x_upper.dot(here.grad_x_q)) + here.grad_y_upper.dot(here.grad_y_q);
  const Real barrier = own_.rate * (own_.phi == "norm" ? square : here.q);
  return std::max(barrier - product, Real(0)) / (square + tiny);
}

void Bome::step(Oracle& oracle, State& s) {
  estimate(oracle, s);
  if (!oracle.agreed().not_finite) {
    const Index k = s.iteration;
    Vec lambda(1);
    oracle.on_root([&] { lambda[0] = multiplier(); }, lambda);  // shared x: rank 0 alone has its gradient of q
    oracle.on_every_rank([&] {
      Vec d = barrier_.grad_y_upper + lambda[0] * barrier_.grad_y_q;
      step_y(s, beta(k), d);
      note("gap", barrier_.q);
      if (per_row_) {  // F does not contain x
        note("residual_x", lambda[0] * std::sqrt(barrier_.square_x));
      }
    });
    Vec d = lambda[0] * barrier_.grad_x_q;
    if (!per_row_) {  // F contains x
      d += barrier_.grad_x_upper;
    }
    step_all_of_x(oracle, s, alpha(k), d);
  }
  s.iteration += 1;
}

}  // namespace meha
