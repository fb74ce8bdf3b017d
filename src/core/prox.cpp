// SPDX-License-Identifier: MIT
#include "meha/core/prox.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace meha::prox {
namespace {

/// Prox of threshold·|t|.
Real soft(Real t, Real threshold) {
  return std::copysign(std::max(std::fabs(t) - threshold, 0.0), t);
}

/// A piece of a penalty h on [from, to], t ≥ 0: h'(t) = slope + curvature·t.
struct Piece {
  Real from, to, slope, curvature;
};

/// argmin over t ≥ 0 of h(t) + (t − v)²/(2·step), v ≥ 0, for h made of pieces: the best of the pieces' minimisers.
template <class Penalty, std::size_t n>
Real best_of_pieces(const Penalty& h, const std::array<Piece, n>& pieces, Real step, Real v) {
  const auto objective = [&](Real t) { return h(t) + (t - v) * (t - v) / (2 * step); };
  Real best = 0;
  Real least = objective(0);
  const auto consider = [&](Real t) {
    if (const Real value = objective(t); value < least) {
      least = value;
      best = t;
    }
  };
  for (const Piece& piece : pieces) {
    const Real bend = 1 / step + piece.curvature;
    if (bend > 0) {
      consider(std::clamp((v / step - piece.slope) / bend, piece.from, piece.to));
    } else if (std::isfinite(piece.to)) {
      consider(piece.to);
    }
  }
  return best;
}

template <class Penalty>
Real sum_of(const Penalty& h, In y) {
  Real total = 0;
  for (const Real t : y) {
    total += h(std::fabs(t));
  }
  return total;
}

template <class Penalty, std::size_t n>
void apply_pieces(const Penalty& h, const std::array<Piece, n>& pieces, Real step, Out y) {
  if (step > 0) {
    for (Real& t : y) {
      if (!std::isnan(t)) {
        t = std::copysign(best_of_pieces(h, pieces, step, std::fabs(t)), t);
      }
    }
  }
}

constexpr Real infinity = std::numeric_limits<Real>::infinity();

auto penalty_of(const Scad& g) {
  return [g](Real t) {
    return t <= g.lambda         ? g.lambda * t
           : t <= g.a * g.lambda ? (2 * g.a * g.lambda * t - t * t - g.lambda * g.lambda) / (2 * (g.a - 1))
                                 : g.lambda * g.lambda * (g.a + 1) / 2;
  };
}

auto penalty_of(const Mcp& g) {
  return [g](Real t) { return t <= g.b * g.lambda ? g.lambda * t - t * t / (2 * g.b) : g.b * g.lambda * g.lambda / 2; };
}

}  // namespace

Real L1::value(In y) const {
  return weight * y.lpNorm<1>();
}

void L1::apply(Real step, Out y) const {
  for (Real& t : y) {
    t = soft(t, step * weight);
  }
}

Real WeightedL1::value(In y) const {
  Real total = 0;
  for (Index i = 0; i < y.size(); ++i) {
    total += weights[static_cast<std::size_t>(i)] * std::fabs(y[i]);
  }
  return total;
}

void WeightedL1::apply(Real step, Out y) const {
  for (Index i = 0; i < y.size(); ++i) {
    y[i] = soft(y[i], step * weights[static_cast<std::size_t>(i)]);
  }
}

Real GroupL2::value(In y) const {
  Real total = 0;
  for (std::size_t j = 0; j < groups.size(); ++j) {
    total += weights[j] * y.segment(groups[j].begin, groups[j].size()).norm();
  }
  return total;
}

void GroupL2::apply(Real step, Out y) const {
  for (std::size_t j = 0; j < groups.size(); ++j) {
    auto part = y.segment(groups[j].begin, groups[j].size());
    const Real norm = part.norm();
    part *= norm <= step * weights[j] ? 0 : 1 - step * weights[j] / norm;  // NaN stays NaN
  }
}

Real ElasticNet::value(In y) const {
  return l1 * y.lpNorm<1>() + l2 / 2 * y.squaredNorm();
}

void ElasticNet::apply(Real step, Out y) const {
  for (Real& t : y) {
    t = soft(t, step * l1) / (1 + step * l2);
  }
}

Real Scad::value(In y) const {
  return sum_of(penalty_of(*this), y);
}

void Scad::apply(Real step, Out y) const {
  const Real bend = 1 / (a - 1);
  apply_pieces(penalty_of(*this),
               std::array{Piece{0, lambda, lambda, 0}, Piece{lambda, a * lambda, a * lambda * bend, -bend},
                          Piece{a * lambda, infinity, 0, 0}},
               step, y);
}

Real Mcp::value(In y) const {
  return sum_of(penalty_of(*this), y);
}

void Mcp::apply(Real step, Out y) const {
  apply_pieces(penalty_of(*this), std::array{Piece{0, b * lambda, lambda, -1 / b}, Piece{b * lambda, infinity, 0, 0}},
               step, y);
}

void Box::project(Out y) const {
  for (Real& t : y) {
    t = std::clamp(t, low, high);
  }
}

void Nonnegative::project(Out y) {
  for (Real& t : y) {
    t = std::max(t, 0.0);
  }
}

void Ball::project(Out y) const {
  if (const Real norm = y.norm(); norm > radius) {
    y *= radius / norm;
  }
}

void Simplex::project(Out y) const {
  std::vector<Real> sorted(y.begin(), y.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  Real sum = 0;
  Real shift = 0;  // the largest τ with Σ max(y − τ, 0) = total
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    const Real candidate = (sum - total) / static_cast<Real>(i + 1);
    if (sorted[i] > candidate) {
      shift = candidate;
    }
  }
  for (Real& t : y) {
    t = std::max(t - shift, 0.0);
  }
}

}  // namespace meha::prox
