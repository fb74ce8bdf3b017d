// SPDX-License-Identifier: MIT
#include "meha/problem/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meha/core/prox.hpp"

namespace meha {
namespace {

constexpr Real sine_a = 2;
constexpr Real sine_c = 2;

Real relative_error(In value, In optimum) {
  return (value - optimum).norm() / std::max(optimum.norm(), 1e-300);
}

}  // namespace

template <class Self>
int Synthetic<Self>::share_exponent(Level /*level*/, Index /*n_rows_in_pass*/) const {
  return 0;  // terms are about 1, whatever n
}

template <class Self>
void Synthetic<Self>::add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) {
  if (level == Level::Lower) {
    add_terms<Level::Lower>(block, x, probe, share);
  } else {
    add_terms<Level::Upper>(block, x, probe, share);
  }
}

template <class Self>
template <Level level>
void Synthetic<Self>::add_terms(const Block& block, InSpan x, const Probe& probe, Share& share) const {
  const auto& self = static_cast<const Self&>(*this);
  const Real factor = static_cast<Real>(n_rows(level)) / static_cast<Real>(block.n_rows_in_pass);
  const bool scalar_x = self.n_x() == 1;
  const bool two_halves = self.n_y() > n_;
  const InSpan y = probe.y;
  const OutSpan grad_x = share.grad_x;
  const OutSpan grad_y = share.grad_y;
  Real value = share.value;
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Term here = self.term(level, i, x, y);
    const auto at = static_cast<std::size_t>(i);
    value += factor * here.value;
    if (!grad_x.empty()) {
      grad_x[scalar_x ? 0 : at] += factor * here.grad_x;
    }
    if (!grad_y.empty()) {
      grad_y[at] += factor * here.grad_y;
      if (two_halves) {
        grad_y[static_cast<std::size_t>(i + n_)] += factor * here.grad_y2;
      }
    }
  }
  share.value = value;
}

template <class Self>
void Synthetic<Self>::measure(InSpan /*tallies*/, In x, In y, Metrics& metrics) const {
  const auto best = static_cast<const Self&>(*this).optimum(x);
  metrics.set("error_x", relative_error(x, best.x));
  metrics.set("error_y", relative_error(y, best.y));
}

StronglyConvex::StronglyConvex(const Options& options, const Communicator& /*comm*/, Simd /*simd*/)
    : Synthetic(options), condition_(options.problem.of<StronglyConvexOptions>().condition) {}

Real StronglyConvex::diagonal(Index i) const {
  return n_ == 1 ? 1 : 1 + (condition_ - 1) * static_cast<Real>(i) / static_cast<Real>(n_ - 1);
}

std::optional<LipschitzConstants> StronglyConvex::constants() const {
  const Real a = condition_;  // ∇²f is [0 −1; −1 a] for each coordinate
  return LipschitzConstants{.lower = (a + std::sqrt(a * a + 4)) / 2, .upper = a, .rho = 0};
}

void StronglyConvex::start(Out x, Out y) const {
  x.setConstant(2);
  y.setConstant(2);
}

StronglyConvex::Term StronglyConvex::term(Level level, Index i, InSpan x, InSpan y) const {
  const auto at = static_cast<std::size_t>(i);
  const Real quadratic = diagonal(i) * y[at] * y[at] / 2;
  if (level == Level::Lower) {
    return {.value = quadratic - x[at] * y[at], .grad_x = -y[at], .grad_y = diagonal(i) * y[at] - x[at]};
  }
  return {.value = (x[at] - 1) * (x[at] - 1) / 2 + quadratic, .grad_x = x[at] - 1, .grad_y = diagonal(i) * y[at]};
}

StronglyConvex::Point StronglyConvex::optimum(In x) const {
  Point best{.x = Vec(x.size()), .y = Vec(x.size())};
  for (Index i = 0; i < n_; ++i) {
    best.x[i] = 1 / (1 + 1 / diagonal(i));
    best.y[i] = best.x[i] / diagonal(i);
  }
  return best;
}

MerelyConvex::MerelyConvex(const Options& options, const Communicator& /*comm*/, Simd /*simd*/) : Synthetic(options) {}

std::optional<LipschitzConstants> MerelyConvex::constants() const {
  return LipschitzConstants{.lower = (1 + std::sqrt(Real(5))) / 2, .upper = 2, .rho = 0};
}

void MerelyConvex::start(Out x, Out y) const {
  x.setConstant(0.01);
  y.setConstant(0.01);
}

MerelyConvex::Term MerelyConvex::term(Level level, Index i, InSpan x, InSpan y) const {
  const auto at = static_cast<std::size_t>(i);
  const Real y1 = y[at];
  if (level == Level::Lower) {
    return {.value = y1 * y1 / 2 - x[at] * y1, .grad_x = -y1, .grad_y = y1 - x[at]};
  }
  const Real apart = x[at] - y[static_cast<std::size_t>(i + n_)];
  return {.value = apart * apart / 2 + (y1 - 1) * (y1 - 1) / 2, .grad_x = apart, .grad_y = y1 - 1, .grad_y2 = -apart};
}

MerelyConvex::Point MerelyConvex::optimum(In /*x*/) const {
  return {.x = Vec::Ones(n_), .y = Vec::Ones(2 * n_)};
}

SineNonconvex::SineNonconvex(const Options& options, const Communicator& /*comm*/, Simd /*simd*/)
    : Synthetic(options) {}

std::optional<LipschitzConstants> SineNonconvex::constants() const {
  return LipschitzConstants{.lower = static_cast<Real>(n_ + 1), .upper = 2, .rho = 1};
}

void SineNonconvex::start(Out x, Out y) const {
  x.setConstant(-6);
  y.setZero();
}

SineNonconvex::Term SineNonconvex::term(Level level, Index i, InSpan x, InSpan y) const {
  const auto at = static_cast<std::size_t>(i);
  if (level == Level::Lower) {
    const Real angle = x[0] + y[at] - sine_c;
    return {.value = std::sin(angle), .grad_x = std::cos(angle), .grad_y = std::cos(angle)};
  }
  const Real apart = y[at] - sine_a - sine_c;
  return {.value = apart * apart, .grad_y = 2 * apart};
}

void SineNonconvex::add_whole(Level level, InSpan x, const Probe& /*probe*/, Share& share) const {
  if (level == Level::Upper) {
    share.value += (x[0] - sine_a) * (x[0] - sine_a);
    if (!share.grad_x.empty()) {
      share.grad_x[0] += 2 * (x[0] - sine_a);
    }
  }
}

SineNonconvex::Point SineNonconvex::optimum(In /*x*/) const {
  const Real n = static_cast<Real>(n_);
  const Real c = 1.5 * std::numbers::pi;
  const Real x = ((1 - n) * sine_a + n * c) / (1 + n);
  return {.x = Vec::Constant(1, x), .y = Vec::Constant(n_, c + sine_c - x)};
}

LassoNonsmooth::LassoNonsmooth(const Options& options, const Communicator& /*comm*/, Simd /*simd*/)
    : Synthetic(options) {}

std::optional<LipschitzConstants> LassoNonsmooth::constants() const {
  return LipschitzConstants{.lower = 2, .upper = 0, .rho = 0};  // 1 of ∇f, 1 of ∇_x g = |y|
}

void LassoNonsmooth::start(Out x, Out y) const {
  x.setOnes();
  y.setOnes();
}

LassoNonsmooth::Term LassoNonsmooth::term(Level level, Index i, InSpan /*x*/, InSpan y) const {
  const Real t = y[static_cast<std::size_t>(i)];
  if (level == Level::Lower) {
    return {.value = (t - a(i)) * (t - a(i)) / 2, .grad_y = t - a(i)};
  }
  return {.value = t, .grad_y = 1};
}

Real LassoNonsmooth::g(In x, In y) const {
  return prox::WeightedL1{.weights = {x.data(), static_cast<std::size_t>(x.size())}}.value(y);
}

void LassoNonsmooth::add_grad_x_g(Real factor, In /*x*/, In y, Out grad) const {
  grad += factor * y.cwiseAbs();
}

void LassoNonsmooth::prox_g(Real step, In x, Out y) const {
  prox::WeightedL1{.weights = {x.data(), static_cast<std::size_t>(x.size())}}.apply(step, y);
}

void LassoNonsmooth::project_x(Out x) const {
  prox::Box{.low = 0, .high = 1}.project(x);
}

LassoNonsmooth::Point LassoNonsmooth::optimum(In x) const {
  Point best{.x = Vec(n_), .y = Vec(n_)};
  const Real least = 1 / static_cast<Real>(n_);
  for (Index i = 0; i < n_; ++i) {
    const bool first = i < n_ / 2;
    best.x[i] = first ? std::clamp(x[i], least, 1.0) : 0;
    best.y[i] = first ? 0 : -least;
  }
  return best;
}

}  // namespace meha
