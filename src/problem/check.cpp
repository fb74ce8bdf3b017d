// SPDX-License-Identifier: MIT
#include "meha/problem/check.hpp"

#include <algorithm>
#include <cmath>

#include "meha/core/activity.hpp"
#include "meha/core/random.hpp"
#include "meha/problem/visit.hpp"

namespace meha {
namespace {

constexpr Real derivative_tolerance = 1e-6;  // differences of step t = 1e-5 leave about 1e-21·h⁽⁵⁾/h' and 1e-11·h/h'
constexpr Real minimiser_tolerance = 1e-10;
constexpr Real difference_step = 1e-5;
constexpr int n_directions = 3;

Vec random_vector(Index size, Index seed, Index step) {
  Vec v(size);
  for (Index i = 0; i < size; ++i) {
    v[i] = 2 * random_uniform(seed, Stream::Check, step, i) - 1;
  }
  return v;
}

/// h'(0) ≈ (8·(h(t) − h(−t)) − (h(2t) − h(−2t))) / 12t, up to t⁴/30·h⁽⁵⁾. @param h  of one number
template <class Function>
Real derivative(const Function& h) {
  const Real t = difference_step;
  return (8 * (h(t) - h(-t)) - (h(2 * t) - h(-2 * t))) / (12 * t);
}

class Checker {
 public:
  Checker(Problem& problem, Index block_rows, Index seed)
      : problem_(problem), visit_(problem), block_rows_(block_rows), seed_(seed) {}

  std::vector<CheckResult> run() {
    Vec x(problem_.n_x());
    Vec y(problem_.n_y());
    problem_.start(x, y);
    x += 0.3 * random_vector(x.size(), seed_, 1);
    y += 0.1 * random_vector(y.size(), seed_, 2);
    problem_.project_x(x);
    for (const Level level : {Level::Lower, Level::Upper}) {
      check_gradients(level, x, y);
      check_products(level, x, y);
    }
    check_gradient_of_g(x, y);
    check_prox(x, y);
    check_projection(x);
    return std::move(results_);
  }

 private:
  [[nodiscard]] bool per_row() const { return problem_.x_layout() == XLayout::PerRow; }

  struct Point {
    Real value = 0;
    Vec grad_x, grad_y, cross_x, hess_y;
  };

  /// @param v  direction of products; null: none
  Point at(Level level, const Vec& x, const Vec& y, const Vec* v = nullptr) {
    activity().beat();
    Point point{.value = 0,
                .grad_x = Vec::Zero(x.size()),
                .grad_y = Vec::Zero(y.size()),
                .cross_x = Vec::Zero(v != nullptr ? x.size() : 0),
                .hess_y = Vec::Zero(v != nullptr ? y.size() : 0)};
    Probe probe{.y = as_span(y), .want = Want::Value | Want::GradX | Want::GradY};
    if (v != nullptr) {
      probe.want = probe.want | products;
      probe.v = as_span(*v);
    }
    const BlockPlan plan{.n_rows = problem_.n_rows(level), .block_rows = block_rows_};
    visit_.begin(level, {&probe, 1}, {});
    Share share{.value = 0, .grad_x = {}, .grad_y = as_span(point.grad_y), .hess_y = as_span(point.hess_y)};
    const bool rows_of_x = per_row() && level == Level::Lower;
    const auto part_of = [&](Vec& of_x, Range rows) {
      return of_x.size() == 0 ? OutSpan()
             : rows_of_x      ? slice(as_span(of_x), rows)
             : per_row()      ? OutSpan()
                              : as_span(of_x);
    };
    for (Index id = 0; id < plan.n_blocks(); ++id) {
      const Block block{.id = id, .rows = plan.rows(id), .n_rows_in_pass = plan.n_rows};
      share.grad_x = part_of(point.grad_x, block.rows);
      share.cross_x = part_of(point.cross_x, block.rows);
      const InSpan x_here = rows_of_x ? slice(as_span(x), block.rows) : per_row() ? InSpan() : as_span(x);
      visit_.add(block, x_here, {&share, 1}, {});
    }
    share.grad_x = per_row() ? OutSpan() : as_span(point.grad_x);
    share.cross_x = per_row() ? OutSpan() : as_span(point.cross_x);
    visit_.add_whole(per_row() ? InSpan() : as_span(x), {&share, 1});
    point.value = share.value;
    return point;
  }

  void compare(const std::string& what, Real slope, Real difference, Real value) {
    const Real scale = std::max({std::fabs(slope), std::fabs(difference), 1e-4 * std::fabs(value), 1e-12});
    record(what, std::fabs(slope - difference) / scale, derivative_tolerance);
  }

  void record(const std::string& what, Real error, Real tolerance) {
    for (CheckResult& result : results_) {
      if (result.what == what) {
        result.error = std::max(result.error, error);
        return;
      }
    }
    results_.push_back({what, error, tolerance});
  }

  void check_gradients(Level level, const Vec& x, const Vec& y) {
    const std::string of = level == Level::Lower ? "f" : "F";
    const Point here = at(level, x, y);
    for (int k = 0; k < n_directions; ++k) {
      const Vec dy = random_vector(y.size(), seed_, 10 + k);
      const Real along_y = derivative([&](Real t) { return at(level, x, y + t * dy).value; });
      compare("grad_y of " + of, here.grad_y.dot(dy), along_y, here.value);
      if (!per_row() || level == Level::Lower) {
        const Vec dx = random_vector(x.size(), seed_, 20 + k);
        const Real along_x = derivative([&](Real t) { return at(level, x + t * dx, y).value; });
        compare("grad_x of " + of, here.grad_x.dot(dx), along_x, here.value);
      }
    }
  }

  /// Products against differences of gradients.
  void check_products(Level level, const Vec& x, const Vec& y) {
    const std::string of = std::string(level == Level::Lower ? " of f" : " of F") +
                           (problem_.has_products() ? ", exact" : ", differences");
    for (int k = 0; k < n_directions; ++k) {
      const Vec v = random_vector(y.size(), seed_, 130 + k).normalized();
      const Point here = at(level, x, y, &v);
      const Vec dy = random_vector(y.size(), seed_, 10 + k);
      const Real along_y = derivative([&](Real t) { return at(level, x, y + t * v).grad_y.dot(dy); });
      compare("hess_y" + of, here.hess_y.dot(dy), along_y, here.grad_y.dot(dy));
      if (!per_row() || level == Level::Lower) {
        const Vec dx = random_vector(x.size(), seed_, 20 + k);
        const Real along_x = derivative([&](Real t) { return at(level, x, y + t * v).grad_x.dot(dx); });
        compare("cross_x" + of, here.cross_x.dot(dx), along_x, here.grad_x.dot(dx));
      }
    }
  }

  void check_gradient_of_g(const Vec& x, const Vec& y) {
    if (per_row()) {
      return;
    }
    Vec grad_x = Vec::Zero(x.size());
    problem_.add_grad_x_g(1, x, y, grad_x);
    for (int k = 0; k < n_directions; ++k) {
      const Vec dx = random_vector(x.size(), seed_, 20 + k);
      const Real along_x = derivative([&](Real t) { return problem_.g(x + t * dx, y); });
      compare("grad_x of g", grad_x.dot(dx), along_x, problem_.g(x, y));
    }
  }

  void check_prox(const Vec& x, const Vec& y) {
    for (int k = 0; k < n_directions; ++k) {
      check_prox_at(per_row() ? Vec() : x, y + random_vector(y.size(), seed_, 30 + k));
    }
  }

  /// p = Prox_{s·g}(v) must be in Y and not be beaten by points of Y:  g(q) + ‖q − v‖²/2s ≥ g(p) + ‖p − v‖²/2s.
  void check_prox_at(const Vec& shared_x, const Vec& v) {
    const Real step = 0.7;
    const auto objective = [&](const Vec& q) { return problem_.g(shared_x, q) + (q - v).squaredNorm() / (2 * step); };
    Vec p = v;
    problem_.prox_g(step, shared_x, p);
    const Real best = objective(p);
    Vec again = p;
    problem_.prox_g(0, shared_x, again);
    Real beaten = (again - p).norm();
    const auto challenge = [&](Vec q) {
      problem_.prox_g(0, shared_x, q);  // into Y
      beaten = std::max(beaten, (best - objective(q)) / std::max(1.0, std::fabs(best)));
    };
    for (int k = 0; k < 20; ++k) {
      const Real distance = std::pow(0.5, k);
      challenge(p + distance * random_vector(v.size(), seed_, 40 + k));
      for (int i = 0; i < 10; ++i) {  // along one entry: where others sit at kinks of g no common direction helps
        const Index entry = random_below(v.size(), seed_, Stream::Check, 60 + k, i);
        for (const Real sign : {-1.0, 1.0}) {
          challenge(p + sign * distance * Vec::Unit(v.size(), entry));
        }
      }
    }
    record("prox of g", beaten, minimiser_tolerance);
  }

  void check_projection(const Vec& x) {
    const Vec v = x + 3 * random_vector(x.size(), seed_, 100);
    Vec p = v;
    problem_.project_x(p);
    Vec again = p;
    problem_.project_x(again);
    Real beaten = (again - p).norm();
    for (int k = 0; k < 20; ++k) {
      Vec q = p + std::pow(0.5, k) * random_vector(x.size(), seed_, 110 + k);
      problem_.project_x(q);
      beaten = std::max(beaten, (p - v).norm() - (q - v).norm());
    }
    record("projection to X", beaten, minimiser_tolerance);
  }

  Problem& problem_;
  Visit visit_;
  Index block_rows_;
  Index seed_;
  std::vector<CheckResult> results_;
};

}  // namespace

std::vector<CheckResult> check_problem(Problem& problem, Index block_rows, Index seed) {
  return Checker(problem, block_rows, seed).run();
}

}  // namespace meha
