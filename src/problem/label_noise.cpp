// SPDX-License-Identifier: MIT
#include "meha/problem/label_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace meha {

Vec pack(const LabelNoise& noise) {
  const Index n = noise.n_classes;
  Vec packed(packed_size(n));
  packed << noise.transition, noise.prior, noise.judge_weight, noise.trusted_weight, noise.by_row ? 1.0 : 0.0,
      noise.trusted_noise_rate, noise.trusted_value, noise.row_visits, noise.n_steps;
  return packed;
}

LabelNoise unpack_label_noise(const Vec& packed, Index n_classes) {
  const Index n = n_classes;
  const auto rest = packed.tail(7);
  return {.n_classes = n,
          .transition = packed.head(n * n),
          .prior = packed.segment(n * n, n),
          .judge_weight = rest[0],
          .trusted_weight = rest[1],
          .by_row = rest[2] != 0,
          .trusted_noise_rate = rest[3],
          .trusted_value = rest[4],
          .row_visits = rest[5],
          .n_steps = rest[6]};
}

Vec first_transition(Index n_classes) {
  constexpr Real diagonal = 0.55;
  const Real rest = n_classes > 1 ? (1 - diagonal) / static_cast<Real>(n_classes - 1) : 0;
  Vec transition = Vec::Constant(n_classes * n_classes, rest);
  for (Index k = 0; k < n_classes; ++k) {
    transition[k * n_classes + k] = n_classes > 1 ? diagonal : 1;
  }
  return transition;
}

Vec transition_of(const Vec& counts, Index n_classes) {
  constexpr Real smoothing = 0.01;
  Real total = 0;
  for (Index i = 0; i < counts.size(); ++i) {
    total += counts[i];
  }
  const Real added = total > 0 ? smoothing * total / static_cast<Real>(n_classes * n_classes) : 1;
  Vec transition(counts.size());
  for (Index k = 0; k < n_classes; ++k) {
    Real row = 0;
    for (Index g = 0; g < n_classes; ++g) {
      row += counts[k * n_classes + g] + added;
    }
    for (Index g = 0; g < n_classes; ++g) {
      transition[k * n_classes + g] = (counts[k * n_classes + g] + added) / row;
    }
  }
  return transition;
}

Real posterior(InSpan q, InSpan transition, Label given, OutSpan p) {
  const std::size_t n = q.size();
  const Real* column = transition.data() + given;
  Real total = 0;
  for (std::size_t k = 0; k < n; ++k) {
    p[k] = q[k] * column[k * n];
    total += p[k];
  }
  total = std::max(total, std::numeric_limits<Real>::min());
  for (Real& value : p) {
    value /= total;
  }
  return total;
}

void mix(Real a, InSpan judge, Real c, InSpan trusted, OutSpan q) {
  Real largest = -std::numeric_limits<Real>::infinity();
  for (std::size_t k = 0; k < q.size(); ++k) {
    q[k] = a * judge[k] + (trusted.empty() ? 0 : c * trusted[k]);
    largest = std::max(largest, q[k]);
  }
  Real total = 0;
  for (Real& value : q) {
    value = std::exp(value - largest);
    total += value;
  }
  for (Real& value : q) {
    value /= total;
  }
}

RowPosterior posterior(const LabelNoise& noise, InSpan judge, InSpan trusted, Label given, OutSpan work) {
  const auto n = static_cast<std::size_t>(noise.n_classes);
  const OutSpan q = work.first(n);
  OutSpan p = work.subspan(n, n);
  mix(noise.judge_weight, judge, noise.trusted_weight, trusted, q);
  if (noise.by_row) {
    p = q;
  } else {
    posterior(q, as_span(noise.transition), given, p);
  }
  const auto at_given = static_cast<std::size_t>(given);
  RowPosterior row{.p_correct = p[at_given], .suggested = given, .p_suggested = p[at_given]};
  if (row.p_correct < 0.5) {
    p[at_given] = -1;  // another class is suggested
    const auto best = std::max_element(p.begin(), p.end());
    row.suggested = static_cast<Label>(best - p.begin());
    row.p_suggested = *best;
  }
  return row;
}

}  // namespace meha
