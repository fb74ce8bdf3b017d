// SPDX-License-Identifier: MIT
#include "meha/problem/toys.hpp"

#include <cmath>

#include "meha/core/prox.hpp"
#include "meha/core/random.hpp"
#include "meha/problem/synthetic.hpp"

namespace meha {
namespace {

using Map = Eigen::Map<const Vec>;

Map vector_of(InSpan values) {
  return {values.data(), static_cast<Index>(values.size())};
}

/// Entries uniform in (−1, 1).
Vec random_vector(Index size, Index seed, Index step) {
  Vec v(size);
  for (Index i = 0; i < size; ++i) {
    v[i] = 2 * random_uniform(seed, Stream::Start, step, i) - 1;
  }
  return v;
}

void add_gradient(OutSpan into, const Vec& gradient) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    into[i] += gradient[static_cast<Index>(i)];
  }
}

}  // namespace

RxgdToy::RxgdToy(const Options& options, const Communicator& /*comm*/, Simd /*simd*/)
    : seed_(options.run.seed), cosine_(options.problem.of<RxgdToyOptions>().lower == "cosine") {
  const Index n = options.problem.of<SizeOptions>().n;
  c_ = random_vector(n, seed_, 1);
  d_ = random_vector(n, seed_, 2);
  // H = Q·diag·Q, Q a reflection: symmetric, with a spectrum spread over (0.1, 1)
  const Vec v = random_vector(n, seed_, 3).normalized();
  const Eigen::MatrixXd q = Eigen::MatrixXd::Identity(n, n) - 2 * v * v.transpose();
  Vec spectrum(n);
  for (Index i = 0; i < n; ++i) {
    spectrum[i] = 0.1 + 0.9 * (static_cast<Real>(i) + 0.5) / static_cast<Real>(n);
  }
  h_ = q * spectrum.asDiagonal() * q;
}

void RxgdToy::start(Out x, Out y) const {
  x = random_vector(x.size(), seed_, 4);
  y = random_vector(y.size(), seed_, 5);
}

void RxgdToy::add_one(Level level, const Block& /*block*/, InSpan x, const Probe& probe, Share& share) {
  const Map at_x = vector_of(x);
  const Map at_y = vector_of(probe.y);
  if (level == Level::Upper) {
    const Real angle = c_.dot(at_x) + d_.dot(at_y);
    const Vec sum = at_x + at_y;
    const Real square = sum.squaredNorm() + 1;
    share.value += std::sin(angle) + std::log(square);
    add_gradient(share.grad_x, std::cos(angle) * c_ + 2 / square * sum);
    add_gradient(share.grad_y, std::cos(angle) * d_ + 2 / square * sum);
    if (has(probe.want, products)) {
      const Map v = vector_of(probe.v);
      const Vec of_log = 2 / square * v - 4 * sum.dot(v) / (square * square) * sum;
      add_gradient(share.cross_x, of_log - std::sin(angle) * d_.dot(v) * c_);
      add_gradient(share.hess_y, of_log - std::sin(angle) * d_.dot(v) * d_);
    }
    return;
  }
  const Vec apart = h_ * at_y - at_x;
  const Real half_square = apart.squaredNorm() / 2;
  const Real slope = cosine_ ? -std::sin(half_square) : 1;
  share.value += cosine_ ? std::cos(half_square) : half_square;
  add_gradient(share.grad_x, -slope * apart);
  add_gradient(share.grad_y, slope * (h_ * apart));
  if (has(probe.want, products)) {
    const Vec h_v = h_ * vector_of(probe.v);
    const Real bend = cosine_ ? -std::cos(half_square) * apart.dot(h_v) : 0;
    add_gradient(share.cross_x, -bend * apart - slope * h_v);
    add_gradient(share.hess_y, h_ * (bend * apart + slope * h_v));
  }
}

PbgdToy::PbgdToy(const Options& /*options*/, const Communicator& /*comm*/, Simd /*simd*/) {}

void PbgdToy::start(Out x, Out y) const {
  x.setConstant(2);
  y.setConstant(2);
}

void PbgdToy::project_x(Out x) const {
  prox::Box{.low = 0, .high = 3}.project(x);
}

void PbgdToy::add_one(Level level, const Block& /*block*/, InSpan x, const Probe& probe, Share& share) {
  const Real s = x[0];
  const Real t = probe.y[0];
  if (level == Level::Lower) {
    const Real sine = std::sin(s + t);
    const Real common = 2 * (s + t) + 2 * s * sine * std::cos(s + t);
    share.value += (s + t) * (s + t) + s * sine * sine;
    add_gradient(share.grad_x, Vec::Constant(1, common + sine * sine));
    add_gradient(share.grad_y, Vec::Constant(1, common));
    if (has(probe.want, products)) {
      const Real bend = 2 + 2 * s * std::cos(2 * (s + t));
      add_gradient(share.cross_x, Vec::Constant(1, (bend + std::sin(2 * (s + t))) * probe.v[0]));
      add_gradient(share.hess_y, Vec::Constant(1, bend * probe.v[0]));
    }
    return;
  }
  const Real power = std::exp(2 - 4 * s);
  const Real gate = 1 / (1 + power);
  const Real u = 4 * s - 2;
  share.value += std::cos(4 * t + 2) * gate + std::log(u * u + 1) / 2;
  add_gradient(share.grad_x, Vec::Constant(1, std::cos(4 * t + 2) * 4 * power * gate * gate + 4 * u / (u * u + 1)));
  add_gradient(share.grad_y, Vec::Constant(1, -4 * std::sin(4 * t + 2) * gate));
  if (has(probe.want, products)) {
    add_gradient(share.cross_x, Vec::Constant(1, -16 * std::sin(4 * t + 2) * power * gate * gate * probe.v[0]));
    add_gradient(share.hess_y, Vec::Constant(1, -16 * std::cos(4 * t + 2) * gate * probe.v[0]));
  }
}

}  // namespace meha
