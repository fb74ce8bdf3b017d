// SPDX-License-Identifier: MIT
#include "adam.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace meha {
namespace {

constexpr Real beta1 = 0.9;
constexpr Real beta2 = 0.999;
constexpr Real epsilon = 1e-8;

struct AdamStep {
  Real n_rows, scale_m, scale_v;
};

/// @param gradient  of the loss and the prior     @return what is taken from y
[[gnu::always_inline]] inline Real adam_entry(Real gradient, const AdamStep& by, Real& m, Real& v) {
  m = beta1 * m + (1 - beta1) * gradient;
  v = beta2 * v + (1 - beta2) * gradient * gradient;
  return by.scale_m * m / (std::sqrt(v * by.scale_v) + epsilon);
}

/// Compiled for several instruction sets, without fused operations: the same bits in all. The prior is y/n_rows.
/// @return whether y is finite
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) bool adam_step(const Real* __restrict loss_gradient,
                                                                                   Index n, const AdamStep& by,
                                                                                   Real* __restrict m,
                                                                                   Real* __restrict v,
                                                                                   Real* __restrict y) {
  constexpr Real largest = std::numeric_limits<Real>::max();
  std::uint64_t any_beyond = 0;
  for (Index i = 0; i < n; ++i) {
    y[i] -= adam_entry(loss_gradient[i] + y[i] / by.n_rows, by, m[i], v[i]);
    any_beyond |= std::fabs(y[i]) <= largest ? 0U : 1U;
  }
  return any_beyond == 0;
}

/// Likewise for the weights w of one unit, with features centred. @param slope  ∂/∂b of the unit    @return −Δw·µ
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) Real centred_step(
    const Real* __restrict loss_gradient, const Real* __restrict means, Index n, Real slope, const AdamStep& by,
    Real* __restrict m, Real* __restrict v, Real* __restrict w) {
  constexpr Index n_lanes = 8;  // sums that are added up at the end: one order on all processors
  std::array<Real, n_lanes> lanes{};
  const auto step = [&](Index i, Index lane) {
    const Real moved = adam_entry(loss_gradient[i] + w[i] / by.n_rows - slope * means[i], by, m[i], v[i]);
    w[i] -= moved;
    lanes[static_cast<std::size_t>(lane)] += moved * means[i];
  };
  Index i = 0;
  for (; i + n_lanes <= n; i += n_lanes) {
    for (Index lane = 0; lane < n_lanes; ++lane) {
      step(i + lane, lane);
    }
  }
  for (; i < n; ++i) {
    step(i, i % n_lanes);
  }
  Real sum = 0;
  for (const Real lane : lanes) {
    sum += lane;
  }
  return sum;
}

}  // namespace

void Adam::begin_step() {
  power1_ *= beta1;
  power2_ *= beta2;
}

bool Adam::step(Index first, InSpan gradient, Real n_rows, Real a, Vec& y) {
  const AdamStep by{.n_rows = n_rows, .scale_m = a / (1 - power1_), .scale_v = 1 / (1 - power2_)};
  const auto n = static_cast<Index>(gradient.size());
  const auto of = [&](Index begin, Index end, const AdamStep& how) {
    const Index at = first + begin;
    return adam_step(gradient.data() + begin, end - begin, how, m_.data() + at, v_.data() + at, y.data() + at);
  };
  const Index n_weights = layer_.n_units * layer_.n_features;
  if (slopes_.size() == 0 || first > n_weights) {
    const Index n_before = std::clamp(y.size() - biases_.n - first, Index{0}, n);  // entries before the biases
    const bool is_finite = of(0, n_before, by);
    const Real feature = biases_.feature;
    return of(n_before, n,
              {.n_rows = n_rows * feature * feature, .scale_m = by.scale_m * feature, .scale_v = by.scale_v}) &&
           is_finite;
  }
  if (first == n_weights) {
    for (Index unit = 0; unit < n; ++unit) {
      slopes_[unit] = gradient[static_cast<std::size_t>(unit)] + y[first + unit] / n_rows;
    }
    return of(0, n, by);
  }
  bool is_finite = true;
  for (Index begin = 0; begin < n; begin += layer_.n_features) {
    const Index at = first + begin;
    const Index unit = at / layer_.n_features;
    Real& b = y[n_weights + unit];
    b += centred_step(gradient.data() + begin, means_->data(), layer_.n_features, slopes_[unit], by, m_.data() + at,
                      v_.data() + at, y.data() + at);
    is_finite = is_finite && std::isfinite(b);
  }
  return is_finite;
}

}  // namespace meha
