// SPDX-License-Identifier: MIT
// Small problems with every feature of the interface, told row by row: naive restatements of a method can use the same
// rows without using the solver.
#pragma once

#include <algorithm>
#include <cmath>

#include "meha/problem/problem.hpp"
#include "support/random_values.hpp"

namespace meha::test {

struct RowTerm {
  explicit RowTerm(Index n_x = 0, Index n_y = 0) : grad_x(Vec::Zero(n_x)), grad_y(Vec::Zero(n_y)) {}
  Real value = 0;
  Vec grad_x, grad_y;
};

/// A problem made of row terms; every rank knows all rows.
class Toy : public Problem {
 public:
  /// @param x  all of x (Shared) or the row's own number (PerRow, Lower), else empty
  [[nodiscard]] virtual RowTerm row(Level level, Index i, InSpan x, InSpan y) const = 0;
  /// Terms of f that count once.
  [[nodiscard]] virtual RowTerm whole(InSpan x, InSpan y) const { return none(x, y); }
  /// Whether rows are averaged or plainly added.
  [[nodiscard]] virtual bool is_mean() const { return true; }
  [[nodiscard]] bool per_row() const { return x_layout() == XLayout::PerRow; }

  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) override {
    const Real scale = is_mean() ? 1 / static_cast<Real>(block.n_rows_in_pass) : 1;
    const bool x_of_rows = per_row() && level == Level::Lower;
    for (Index i = block.rows.begin; i < block.rows.end; ++i) {
      const auto at = static_cast<std::size_t>(i - block.rows.begin);
      const RowTerm term = row(level, i, x_of_rows ? x.subspan(at, 1) : x, probe.y);
      share.value += scale * term.value;
      if (x_of_rows && !share.grad_x.empty()) {
        share.grad_x[at] = scale * term.grad_x[0];
      } else {
        add_to(share.grad_x, scale, term.grad_x);
      }
      add_to(share.grad_y, scale, term.grad_y);
    }
  }
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override {
    if (level == Level::Lower) {
      const RowTerm term = whole(x, probe.y);
      share.value += term.value;
      add_to(share.grad_x, 1, term.grad_x);
      add_to(share.grad_y, 1, term.grad_y);
    }
  }

 protected:
  static RowTerm none(InSpan x, InSpan y) {
    return RowTerm(static_cast<Index>(x.size()), static_cast<Index>(y.size()));
  }
  static void add_to(OutSpan sum, Real scale, const Vec& term) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += scale * term[static_cast<Index>(i)];
    }
  }
};

inline Real soft_threshold(Real v, Real t) {
  return v > t ? v - t : v < -t ? v + t : 0;
}

inline Eigen::Map<const Vec> as_vector(InSpan v) {
  return {v.data(), static_cast<Index>(v.size())};
}

/// F = Σ y_i;  f = ½‖y − a‖², g = Σ x_i|y_i|, X = [0,1]ⁿ, a = (1/n …, −1/n …); one row per coordinate.
class Lasso : public Toy {
 public:
  explicit Lasso(Index n) : n_(n) {}
  [[nodiscard]] Real a(Index i) const { return (i < n_ / 2 ? 1.0 : -1.0) / static_cast<Real>(n_); }
  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return n_; }
  [[nodiscard]] Index n_y() const override { return n_; }
  [[nodiscard]] Index n_rows(Level level) const override { return level <= Level::Upper ? n_ : 0; }
  [[nodiscard]] int share_exponent(Level /*level*/, Index /*n*/) const override { return 0; }
  [[nodiscard]] bool is_mean() const override { return false; }
  void start(Out x, Out y) const override {
    x.setOnes();
    y.setOnes();
  }
  [[nodiscard]] RowTerm row(Level level, Index i, InSpan x, InSpan y) const override {
    RowTerm term = none(x, y);
    const Real v = y[static_cast<std::size_t>(i)];
    term.value = level == Level::Upper ? v : 0.5 * (v - a(i)) * (v - a(i));
    term.grad_y[i] = level == Level::Upper ? 1 : v - a(i);
    return term;
  }
  [[nodiscard]] Real g(In x, In y) const override { return x.dot(y.cwiseAbs()); }
  void add_grad_x_g(Real factor, In /*x*/, In y, Out grad) const override { grad += factor * y.cwiseAbs(); }
  void prox_g(Real step, In x, Out y) const override {
    for (Index i = 0; i < n_; ++i) {
      y[i] = soft_threshold(y[i], step * x[i]);
    }
  }
  void project_x(Out x) const override { x = x.cwiseMax(0).cwiseMin(1); }

 private:
  Index n_;
};

/// Shared x in everything: F = mean ½(u·y − v)² + ½(w·x)² + 0.1(w·x)(u·y);  f = mean ½(p·y − tanh(q·x) − t)² +
/// 0.05‖y‖² + 0.02‖x‖², g = (0.1 + 0.1x₀²)‖y‖₁, Y = [−1,1]^n_y, X = [−½,½]^n_x.
class Coupled : public Toy {
 public:
  explicit Coupled(Index n_lower = 23, Index n_upper = 11) : n_lower_(n_lower), n_upper_(n_upper) {}
  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return 3; }
  [[nodiscard]] Index n_y() const override { return 4; }
  [[nodiscard]] Index n_rows(Level level) const override {
    return level == Level::Lower ? n_lower_ : level == Level::Upper ? n_upper_ : 0;
  }
  void start(Out x, Out y) const override {
    x = random_vector(n_x(), 1, 0.4);
    y = random_vector(n_y(), 2, 0.9);
  }
  [[nodiscard]] RowTerm row(Level level, Index i, InSpan x_span, InSpan y_span) const override {
    const auto x = as_vector(x_span);
    const auto y = as_vector(y_span);
    RowTerm term = none(x_span, y_span);
    const Index which = level == Level::Lower ? 10 : 20;
    const Vec p = random_vector(n_y(), which * 1000 + i);
    const Vec q = random_vector(n_x(), (which + 1) * 1000 + i);
    const Real t = random_value(which + 2, i);
    if (level == Level::Lower) {
      const Real s = std::tanh(q.dot(x));
      const Real r = p.dot(y) - s - t;
      term.value = 0.5 * r * r;
      term.grad_x = -r * (1 - s * s) * q;
      term.grad_y = r * p;
    } else {
      const Real r = p.dot(y) - t;
      const Real z = q.dot(x);
      term.value = 0.5 * r * r + 0.5 * z * z + 0.1 * z * p.dot(y);
      term.grad_x = (z + 0.1 * p.dot(y)) * q;
      term.grad_y = (r + 0.1 * z) * p;
    }
    return term;
  }
  [[nodiscard]] RowTerm whole(InSpan x, InSpan y) const override {
    RowTerm term = none(x, y);
    term.value = 0.05 * as_vector(y).squaredNorm() + 0.02 * as_vector(x).squaredNorm();
    term.grad_x = 0.04 * as_vector(x);
    term.grad_y = 0.1 * as_vector(y);
    return term;
  }
  [[nodiscard]] Real g(In x, In y) const override { return (0.1 + 0.1 * x[0] * x[0]) * y.lpNorm<1>(); }
  void add_grad_x_g(Real factor, In x, In y, Out grad) const override {
    grad[0] += factor * 0.2 * x[0] * y.lpNorm<1>();
  }
  void prox_g(Real step, In x, Out y) const override {
    for (Index i = 0; i < y.size(); ++i) {
      y[i] = std::clamp(soft_threshold(y[i], step * (0.1 + 0.1 * x[0] * x[0])), -1.0, 1.0);
    }
  }
  void project_x(Out x) const override { x = x.cwiseMax(-0.5).cwiseMin(0.5); }

 private:
  Index n_lower_, n_upper_;
};

/// One x per lower row: F = mean ½(p·y − t)²;  f = mean (0.1 + x_i²)·½(p·y − t)² + 0.01‖y‖², g = 0.05‖y‖₁,
/// Y = [−1,1]^n_y, X = [0.2, 1.5]ⁿ.
class Weighted : public Toy {
 public:
  explicit Weighted(Index n_lower = 13, Index n_upper = 7) : n_lower_(n_lower), n_upper_(n_upper) {}
  [[nodiscard]] XLayout x_layout() const override { return XLayout::PerRow; }
  [[nodiscard]] Index n_x() const override { return n_lower_; }
  [[nodiscard]] Index n_y() const override { return 4; }
  [[nodiscard]] Index n_rows(Level level) const override {
    return level == Level::Lower ? n_lower_ : level == Level::Upper ? n_upper_ : 0;
  }
  void start(Out x, Out y) const override {
    x.setConstant(0.9);
    y = random_vector(n_y(), 3, 0.9);
  }
  [[nodiscard]] RowTerm row(Level level, Index i, InSpan x, InSpan y_span) const override {
    const auto y = as_vector(y_span);
    RowTerm term = none(x, y_span);
    const Index which = level == Level::Lower ? 30 : 40;
    const Vec p = random_vector(n_y(), which * 1000 + i);
    const Real r = p.dot(y) - random_value(which + 1, i);
    const Real weight = level == Level::Lower ? 0.1 + x[0] * x[0] : 1;
    term.value = weight * 0.5 * r * r;
    term.grad_y = weight * r * p;
    if (level == Level::Lower) {
      term.grad_x[0] = 2 * x[0] * 0.5 * r * r;
    }
    return term;
  }
  [[nodiscard]] RowTerm whole(InSpan x, InSpan y) const override {
    RowTerm term = none(x, y);
    term.value = 0.01 * as_vector(y).squaredNorm();
    term.grad_y = 0.02 * as_vector(y);
    return term;
  }
  [[nodiscard]] Real g(In /*x*/, In y) const override { return smooth ? 0 : 0.05 * y.lpNorm<1>(); }
  void prox_g(Real step, In /*x*/, Out y) const override {
    for (Index i = 0; i < y.size() && !smooth; ++i) {
      y[i] = std::clamp(soft_threshold(y[i], 0.05 * step), -1.0, 1.0);
    }
  }
  void project_x(Out x) const override {
    if (!smooth) {
      x = x.cwiseMax(0.2).cwiseMin(1.5);
    }
  }

  bool smooth = false;  // g = 0, X and Y are everything

 private:
  Index n_lower_, n_upper_;
};

}  // namespace meha::test
