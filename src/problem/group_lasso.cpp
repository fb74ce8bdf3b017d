// SPDX-License-Identifier: MIT
#include "meha/problem/group_lasso.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "meha/core/error.hpp"
#include "meha/core/prox.hpp"
#include "meha/core/random.hpp"
#include "meha/problem/synthetic.hpp"

namespace meha {
namespace {

constexpr Index n_samples = 100;
constexpr Real signal_to_noise = 2;

/// Standard normal (Box–Muller).
Real random_normal(Index seed, Index step, Index row) {
  const Real u = 1 - random_uniform(seed, Stream::Data, step, 2 * row);
  const Real v = random_uniform(seed, Stream::Data, step, 2 * row + 1);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

prox::GroupL2 group_term(In x, const std::vector<Range>& groups) {
  return {.weights = {x.data(), groups.size()}, .groups = groups};
}

}  // namespace

GroupLasso::GroupLasso(const Options& options, const Communicator& /*comm*/, Simd /*simd*/)
    : n_(options.problem.of<SizeOptions>().n) {
  const Index size = options.problem.of<GroupLassoOptions>().group_size;
  if (size < 5 || n_ % size != 0) {
    throw Error(ExitCode::Config, "problem.group_size = " + std::to_string(size) +
                                      ": must be at least 5 and divide problem.n = " + std::to_string(n_));
  }
  for (Index first = 0; first < n_; first += size) {
    groups_.push_back({first, first + size});
  }
  truth_ = Vec::Zero(n_);
  for (const std::size_t j : {std::size_t{0}, groups_.size() / 2, groups_.size() - 1}) {
    truth_.segment(groups_[j].begin, 5) << 1, 2, 3, 4, 5;
  }
  for (const Level level : {Level::Lower, Level::Upper, Level::Test}) {
    samples_[level] = draw(level, options.run.seed);
  }
}

GroupLasso::Samples GroupLasso::draw(Level level, Index seed) const {
  const Index stream = static_cast<Index>(level) * 2;
  Samples samples{.a = decltype(Samples::a)(n_samples, n_), .b = Vec(n_samples)};
  const Real noise = truth_.norm() / std::sqrt(signal_to_noise);
  for (Index i = 0; i < n_samples; ++i) {
    for (Index j = 0; j < n_; ++j) {
      samples.a(i, j) = random_normal(seed, stream, i * n_ + j);
    }
    samples.b[i] = samples.a.row(i).dot(truth_) + noise * random_normal(seed, stream + 1, i);
  }
  return samples;
}

Index GroupLasso::n_rows(Level level) const {
  return level == Level::Holdout ? 0 : n_samples;
}

int GroupLasso::share_exponent(Level /*level*/, Index /*n_rows_in_pass*/) const {
  return 0;  // sums over few samples, not means
}

void GroupLasso::start(Out x, Out y) const {
  x.setOnes();
  y.setZero();
}

void GroupLasso::add_one(Level level, const Block& block, InSpan /*x*/, const Probe& probe, Share& share) {
  const Samples& rows = samples(level);
  const Real factor = static_cast<Real>(n_samples) / static_cast<Real>(block.n_rows_in_pass);
  const Eigen::Map<const Vec> y(probe.y.data(), n_);
  for (Index i = block.rows.begin; i < block.rows.end; ++i) {
    const Real residual = rows.a.row(i).dot(y) - rows.b[i];
    share.value += factor * residual * residual / 2;
    for (std::size_t j = 0; j < share.grad_y.size(); ++j) {
      share.grad_y[j] += factor * residual * rows.a(i, static_cast<Index>(j));
    }
    if (!share.hess_y.empty()) {
      const Real slope = rows.a.row(i).dot(Eigen::Map<const Vec>(probe.v.data(), n_));
      for (std::size_t j = 0; j < share.hess_y.size(); ++j) {
        share.hess_y[j] += factor * slope * rows.a(i, static_cast<Index>(j));
      }
    }
  }
}

Real GroupLasso::g(In x, In y) const {
  return group_term(x, groups_).value(y) + x[x.size() - 1] * y.lpNorm<1>();
}

void GroupLasso::add_grad_x_g(Real factor, In /*x*/, In y, Out grad) const {
  for (std::size_t j = 0; j < groups_.size(); ++j) {
    grad[static_cast<Index>(j)] += factor * y.segment(groups_[j].begin, groups_[j].size()).norm();
  }
  grad[grad.size() - 1] += factor * y.lpNorm<1>();
}

/// Soft thresholding first, then the groups: together the proximal map of the sum (Yu, NeurIPS 2013).
void GroupLasso::prox_g(Real step, In x, Out y) const {
  prox::L1{.weight = x[x.size() - 1]}.apply(step, y);
  group_term(x, groups_).apply(step, y);
}

void GroupLasso::project_x(Out x) const {
  prox::Nonnegative::project(x);
}

void GroupLasso::measure(InSpan /*tallies*/, In /*x*/, In y, Metrics& metrics) const {
  const Samples& test = samples(Level::Test);
  metrics.set("test_error", (test.a * y - test.b).squaredNorm() / test.b.squaredNorm());
}

}  // namespace meha
