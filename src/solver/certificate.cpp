// SPDX-License-Identifier: MIT
#include "meha/solver/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace meha {
namespace {

/// h of the proximal lower problem at this x and y. Every rank computes the same numbers from the same sums.
class ProximalLower {
 public:
  ProximalLower(Oracle& oracle, Vec& x, const Vec& y, Real gamma)
      : oracle_(oracle), x_(x), shared_x_(oracle.per_row() ? Vec() : x), y_(y), gamma_(gamma) {}

  /// The smooth part of h and its gradient. Collective.
  Real smooth(const Vec& theta, Vec& grad) {
    auto sweep = oracle_.full_sweep(x_);
    const Result& at = sweep.lower(theta, Want::Value | Want::GradY);
    sweep.run();
    const Requests& asked = oracle_.agreed();
    is_finite = is_finite && !asked.not_finite;
    is_stopped = is_stopped || asked.stop || asked.time_limit;
    grad = at.grad_y + (theta - y_) / gamma_;
    return at.value + (theta - y_).squaredNorm() / (2 * gamma_);
  }
  [[nodiscard]] Real g(const Vec& theta) const { return oracle_.problem().g(shared_x_, theta); }
  [[nodiscard]] Vec prox(Real step, Vec theta) const {
    oracle_.problem().prox_g(step, shared_x_, theta);
    return theta;
  }

  bool is_finite = true, is_stopped = false;

 private:
  Oracle& oracle_;
  Vec& x_;
  const Vec shared_x_;
  const Vec& y_;
  Real gamma_;
};

struct Minimum {
  Vec theta;
  Real value = 0;      // h
  Real tolerance = 0;  // ‖z − θ‖/s of the last step, infinite before the first
  Index iterations = 0;
};

/// Accelerated proximal gradients on h. Backtracking asks ⟨∇h(z') − ∇h(z), z' − z⟩ ≤ ‖z' − z‖²/s, which unlike the
/// comparison of values stays meaningful near the minimum. Collective.
Minimum minimise(ProximalLower& h, const Vec& start, Real step, const CertificatePlan& plan) {
  Vec grad;
  Vec grad_next;
  Minimum best{.theta = start,
               .value = h.smooth(start, grad) + h.g(start),
               .tolerance = std::numeric_limits<Real>::infinity(),
               .iterations = 0};
  Vec z = start;  // the extrapolated point
  Real momentum = 1;
  while (best.iterations < plan.iterations && h.is_finite && !h.is_stopped) {
    ++best.iterations;
    h.smooth(z, grad);
    Vec next;
    Real value = 0;
    for (;; step /= 2) {
      next = h.prox(step, z - step * grad);
      value = h.smooth(next, grad_next) + h.g(next);
      const Vec d = next - z;
      if (!h.is_finite || (grad_next - grad).dot(d) <= d.squaredNorm() / step || d.norm() <= 1e-15 * z.norm()) {
        break;
      }
    }
    const bool rises = value > best.value + 1e-12 * std::max(std::abs(value), Real(1));
    if (rises && momentum > 1) {
      z = best.theta;
      momentum = 1;
      continue;
    }
    best.tolerance = (z - next).norm() / step;
    const bool uphill = (z - next).dot(next - best.theta) > 0;
    const Real t = uphill ? 1 : (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    z = next + (uphill ? 0 : (momentum - 1) / t) * (next - best.theta);
    momentum = t;
    best.theta = next;
    best.value = value;
    if (best.tolerance <= plan.tolerance) {
      break;
    }
    step *= 1.1;
  }
  return best;
}

}  // namespace

LowerSolution solve_lower(Oracle& oracle, Vec& x, const Vec& y, Real first_step, const CertificatePlan& plan) {
  ProximalLower h(oracle, x, y, std::numeric_limits<Real>::infinity());
  Vec grad;
  h.smooth(y, grad);
  const Real residual = (y - h.prox(1, y - grad)).norm();
  Minimum lower = minimise(h, y, first_step, plan);
  return {.y = std::move(lower.theta),
          .value = lower.value,
          .residual = residual,
          .tolerance = lower.tolerance,
          .iterations = lower.iterations,
          .is_finite = h.is_finite};
}

Certificate certify(Oracle& oracle, Vec& x, const Vec& y, const Vec& theta, const CertificatePlan& plan) {
  Problem& problem = oracle.problem();
  oracle.forget_not_finite();
  ProximalLower h(oracle, x, y, plan.gamma);
  Vec grad;
  const Real from_theta = h.smooth(theta, grad) + h.g(theta);
  const Real from_y = h.smooth(y, grad) + h.g(y);
  const Minimum lower = minimise(h, from_theta <= from_y ? theta : y, plan.gamma, plan);

  constexpr Real small_step = 1e-6;
  Vec moved;
  auto sweep = oracle.full_sweep(x);
  const Result& at_theta = sweep.lower(lower.theta, Want::GradX);
  const Result& at_y = sweep.lower(y, Want::GradX | Want::GradY);
  const Result& upper = sweep.add_upper(y, Want::Value | Want::GradX | Want::GradY, 1 / plan.penalty, at_y);
  sweep.between_halves([&](Range rows, RowSums& sums) {
    const auto x_here = x.segment(rows.begin, rows.size());
    Vec d_x = at_y.grad_x.segment(rows.begin, rows.size()) - at_theta.grad_x.segment(rows.begin, rows.size());
    if (!oracle.per_row()) {
      problem.add_grad_x_g(1, x_here, y, d_x);
      problem.add_grad_x_g(-1, x_here, lower.theta, d_x);
    }
    moved = x_here - small_step * d_x;
    problem.project_x(moved);
    sums.residual_square += ((x_here - moved) / small_step).squaredNorm();
  });
  sweep.run();
  Vec residual(1);
  oracle.on_root(
      [&] {
        const Vec d_y = at_y.grad_y - (y - lower.theta) / plan.gamma;
        const Vec mapping = (y - h.prox(small_step, y - small_step * d_y)) / small_step;
        residual[0] = plan.penalty * std::sqrt(sweep.row_sums().residual_square + mapping.squaredNorm());
      },
      residual);
  return {.upper_value = upper.value,
          .lower_value = from_y,
          .envelope = lower.value,
          .residual = residual[0],
          .theta_distance = (lower.theta - theta).norm(),
          .tolerance = lower.tolerance,
          .iterations = lower.iterations,
          .is_finite = h.is_finite && !oracle.agreed().not_finite};
}

}  // namespace meha
