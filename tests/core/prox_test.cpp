// SPDX-License-Identifier: MIT
// Every proximal map and projection against a brute-force minimiser over many random cases.
#include "meha/core/prox.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "meha/core/random.hpp"

namespace meha::prox {
namespace {

constexpr Index seed = 20;
constexpr int n_cases = 300;

Real uniform(Index step, Index i, Real low, Real high) {
  return low + (high - low) * random_uniform(seed, Stream::Check, step, i);
}

Vec random_vector(Index size, Index step, Real radius) {
  Vec v(size);
  for (Index i = 0; i < size; ++i) {
    v[i] = uniform(step, i, -radius, radius);
  }
  return v;
}

/// No point of a fine grid around 0 and v, per coordinate, may beat the map (separable g).
template <class Term>
void expect_separable_minimum(const Term& g, Real step, const Vec& v) {
  Vec p = v;
  g.apply(step, p);
  const auto objective = [&](Real t, Real at) {
    const Vec one = Vec::Constant(1, t);
    return g.value(one) + (t - at) * (t - at) / (2 * step);
  };
  for (Index i = 0; i < v.size(); ++i) {
    const Real mine = objective(p[i], v[i]);
    for (int j = -400; j <= 400; ++j) {
      const Real t = v[i] * j / 200.0;
      ASSERT_LE(mine, objective(t, v[i]) + 1e-12) << "v " << v[i] << " step " << step << " t " << t;
    }
  }
}

TEST(Prox, SeparableTermsAreMinimised) {
  for (int k = 0; k < n_cases; ++k) {
    const Vec v = random_vector(4, k, 6);
    const Real step = uniform(k, 100, 0.05, 8);
    expect_separable_minimum(L1{.weight = uniform(k, 101, 0, 2)}, step, v);
    expect_separable_minimum(ElasticNet{.l1 = uniform(k, 102, 0, 2), .l2 = uniform(k, 103, 0, 2)}, step, v);
    expect_separable_minimum(Scad{.lambda = uniform(k, 104, 0.1, 2), .a = uniform(k, 105, 2.1, 5)}, step, v);
    expect_separable_minimum(Mcp{.lambda = uniform(k, 106, 0.1, 2), .b = uniform(k, 107, 0.2, 5)}, step, v);
  }
}

TEST(Prox, WeightedTermsAreMinimised) {
  const std::vector<Range> groups = {{0, 1}, {1, 4}, {4, 6}};
  for (int k = 0; k < n_cases; ++k) {
    const Vec v = random_vector(6, k, 3);
    const Vec weights = random_vector(6, 1000 + k, 2).cwiseAbs();
    const Real step = uniform(k, 100, 0.05, 2);
    const auto expect_minimum = [&](const auto& g) {
      Vec p = v;
      g.apply(step, p);
      const auto objective = [&](const Vec& q) { return g.value(q) + (q - v).squaredNorm() / (2 * step); };
      for (int j = 0; j < 60; ++j) {
        const Vec q = p + std::pow(0.7, j) * random_vector(6, 10000 + 100 * k + j, 1);
        ASSERT_LE(objective(p), objective(q) + 1e-12);
      }
      ASSERT_LE(objective(p), objective(Vec::Zero(6)) + 1e-12);
    };
    expect_minimum(WeightedL1{.weights = as_span(weights)});
    expect_minimum(GroupL2{.weights = as_span(weights), .groups = groups});
  }
}

template <class Project>
void expect_projection(Project project, const std::function<bool(const Vec&)>& contains, int k) {
  const Vec v = random_vector(5, k, 4);
  Vec p = v;
  project(p);
  ASSERT_TRUE(contains(p));
  for (int j = 0; j < 60; ++j) {
    Vec q = random_vector(5, 5000 + 100 * k + j, 4);
    project(q);
    // p is the projection exactly when v − p makes an obtuse angle with q − p for every q of the convex set
    ASSERT_LE((v - p).dot(q - p), 1e-10);
  }
}

TEST(Prox, ProjectionsLandOnTheNearestPoint) {
  for (int k = 0; k < n_cases; ++k) {
    const Real r = uniform(k, 100, 0.3, 3);
    const Box box{.low = -r, .high = r / 2};
    expect_projection([&](Vec& y) { box.project(y); },
                      [&](const Vec& y) { return y.minCoeff() >= -r && y.maxCoeff() <= r / 2; }, k);
    expect_projection([](Vec& y) { Nonnegative::project(y); }, [](const Vec& y) { return y.minCoeff() >= 0; }, k);
    const Ball ball{.radius = r};
    expect_projection([&](Vec& y) { ball.project(y); }, [&](const Vec& y) { return y.norm() <= r * (1 + 1e-15); }, k);
    const Simplex simplex{.total = r};
    expect_projection([&](Vec& y) { simplex.project(y); },
                      [&](const Vec& y) { return y.minCoeff() >= 0 && std::fabs(y.sum() - r) < 1e-12; }, k);
  }
}

TEST(Prox, AStepOfZeroLeavesThePointAlone) {
  const Vec v = random_vector(6, 1, 3);
  Vec p = v;
  L1{}.apply(0, p);
  Scad{}.apply(0, p);
  Mcp{}.apply(0, p);
  ElasticNet{}.apply(0, p);
  EXPECT_EQ(p, v);
}

TEST(Prox, NotANumberIsNotHidden) {
  const Vec weights = Vec::Ones(1);
  const std::vector<Range> groups = {{0, 1}};
  const auto stays = [](auto&& apply) {
    Vec y = Vec::Constant(1, std::nan(""));
    apply(y);
    return std::isnan(y[0]);
  };
  EXPECT_TRUE(stays([](Vec& y) { L1{}.apply(1, y); }));
  EXPECT_TRUE(stays([](Vec& y) { ElasticNet{}.apply(1, y); }));
  EXPECT_TRUE(stays([](Vec& y) { Scad{}.apply(1, y); }));
  EXPECT_TRUE(stays([](Vec& y) { Mcp{}.apply(1, y); }));
  EXPECT_TRUE(stays([&](Vec& y) { WeightedL1{.weights = as_span(weights)}.apply(1, y); }));
  EXPECT_TRUE(stays([&](Vec& y) { GroupL2{.weights = as_span(weights), .groups = groups}.apply(1, y); }));
  EXPECT_TRUE(stays([](Vec& y) { Nonnegative::project(y); }));
}

}  // namespace
}  // namespace meha::prox
