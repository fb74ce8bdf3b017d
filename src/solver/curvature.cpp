// SPDX-License-Identifier: MIT
#include "curvature.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/random.hpp"
#include "meha/solver/meha.hpp"

namespace meha {
namespace {

constexpr Index n_power_iterations = evaluations_of_curvature / 2;
constexpr Index n_theta_steps = 10;  // in which θ follows a change of x

/// Largest |eigenvalue| of the symmetric J, from v ↦ Jv.
template <class Product>
Real largest_eigenvalue(Index n, Product&& product) {
  Vec v(n);
  for (Index i = 0; i < n; ++i) {
    v[i] = random_uniform(0, Stream::Steps, 0, i) - 0.5;
  }
  v.normalize();
  Real largest = 0;
  for (Index t = 0; t < n_power_iterations; ++t) {
    const Vec w = product(v);
    const Real length = w.norm();
    largest = std::max(largest, length);
    if (!(length > 0)) {
      break;
    }
    v = w / length;
  }
  return largest;
}

Real width(const Vec& at) {
  return 1e-2 * std::max(Real(1), at.lpNorm<Eigen::Infinity>());
}

}  // namespace

void require_unstopped(const Oracle& oracle) {
  if (oracle.agreed().stop || oracle.agreed().time_limit) {
    throw Error(ExitCode::Stopped, std::string(oracle.agreed().stop ? "asked to stop" : "run.time_limit_s reached") +
                                       " while choosing step sizes: nothing was begun");
  }
}

Curvature::Curvature(Oracle& oracle, const AlgorithmOptions& options, State& state)
    : oracle_(oracle),
      c_(options.of<MehaOptions>().penalty.at(0)),
      gamma_(options.of<MehaOptions>().gamma),
      x_(state["x"]),
      y_(state["y"]) {}

Real Curvature::along_y(bool with_upper) {
  const Real h = width(y_);
  return largest_eigenvalue(y_.size(), [&](const Vec& v) -> Vec {
    const Vec above = y_ + h * v;
    const Vec below = y_ - h * v;
    auto sweep = oracle_.sweep(x_, 0);
    const Result& at_above = sweep.lower(above, Want::GradY);
    const Result& at_below = sweep.lower(below, Want::GradY);
    if (with_upper) {
      sweep.add_upper(above, Want::GradY, 1 / c_, at_above);
      sweep.add_upper(below, Want::GradY, 1 / c_, at_below);
    }
    run(sweep);
    return (at_above.grad_y - at_below.grad_y) / (2 * h);
  });
}

Real Curvature::along_x(Real eta) {
  const Real h = width(x_);
  return largest_eigenvalue(x_.size(), [&](const Vec& v) -> Vec {
    Vec above = x_ + h * v;
    Vec below = x_ - h * v;
    oracle_.problem().project_x(above);
    oracle_.problem().project_x(below);
    const Real apart = (above - below).norm();
    return apart > 0 ? Vec((d_x(above, eta) - d_x(below, eta)) / apart) : Vec::Zero(v.size());
  });
}

void Curvature::run(Sweep& sweep) {
  sweep.run();
  require_unstopped(oracle_);
}

Vec Curvature::d_x(Vec& x, Real eta) {
  Problem& problem = oracle_.problem();
  Vec theta = y_;
  for (Index t = 0; t < n_theta_steps; ++t) {
    auto sweep = oracle_.sweep(x, 0);
    const Result& at_theta = sweep.lower(theta, Want::GradY);
    run(sweep);
    theta -= eta * (at_theta.grad_y + (theta - y_) / gamma_);
    problem.prox_g(eta, x, theta);
  }
  auto sweep = oracle_.sweep(x, 0);
  const Result& at_theta = sweep.lower(theta, Want::GradX);
  const Result& at_y = sweep.lower(y_, Want::GradX);
  sweep.add_upper(y_, Want::GradX, 1 / c_, at_y);
  run(sweep);
  Vec d = at_y.grad_x - at_theta.grad_x;
  problem.add_grad_x_g(1, x, y_, d);
  problem.add_grad_x_g(-1, x, theta, d);
  return d;
}
}  // namespace meha
