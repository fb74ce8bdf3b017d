// SPDX-License-Identifier: MIT
// Problems whose optimum is known in closed form. Rows are coordinates i = 1…n, cut into blocks like the rows of a data
// set; x is shared. e = (1,…,1).
//   strongly_convex  F = ½‖x−e‖² + ½yᵀAy,   f = ½yᵀAy − xᵀy,   A diagonal from 1 to problem.condition
//                    y = A⁻¹x,  x* = (I + A⁻¹)⁻¹e;                          start x = y = 2
//   merely_convex    F = ½‖x−y₂‖² + ½‖y₁−e‖²,   f = ½‖y₁‖² − xᵀy₁,   y = (y₁, y₂)
//                    x* = y₁* = y₂* = e,  F* = 0;                           start x = y = 0.01
//   sine_nonconvex   F = (x−a)² + ‖y−a·e−c‖²,   f = Σ sin(x + y_i − c_i),   x scalar, a = 2, c_i = 2
//                    C = 3π/2: x* = ((1−n)a + nC)/(1+n),  y_i* = C + c_i − x*;   start (−6, 0)
//   lasso_nonsmooth  F = Σ y_i,   f = ½‖y−a‖²,   g = Σ x_i|y_i|,   x ∈ [0,1]ⁿ,   a = (1/n first half, −1/n second)
//                    y* = (0,…, −1/n,…),  x_i* ∈ [1/n, 1] first half, 0 second;   start x = y = 1
// error_x and error_y are relative distances to the optimum (lasso_nonsmooth: of x to the set of optima).
// Sources: Liu et al., ICML 2024, arXiv 2405.09927, section 4 and appendix (all but strongly_convex: Liu et al., ICML 2023,
// arXiv 2302.03407).
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

struct SizeOptions {
  Index n = 100;

  void each(auto&& see) {
    see(OptionInfo{"problem.n", Rule::at_least(1), OnResume::Fixed, "size of a synthetic problem"}, n);
  }
};

struct StronglyConvexOptions {
  Real condition = 1;

  void each(auto&& see) {
    see(OptionInfo{"problem.condition", Rule::at_least(1), OnResume::Fixed,
                   "largest entry of the diagonal A, the smallest is 1"},
        condition);
  }
};

inline constexpr std::array optimum_metrics = {MetricInfo{"error_x", "relative distance of x to the optimum"},
                                               MetricInfo{"error_y", "relative distance of y to the optimum"}};

/// A sum over coordinates; a pass over part of them is scaled up to the whole. Self has
///   Term term(Level, Index i, InSpan x, InSpan y) const    Point optimum(In x) const
/// the value and partial derivatives of term i, and an optimum: where there are many, the nearest to x.
template <class Self>
class Synthetic : public Problem, public OwnMetrics {
 public:
  explicit Synthetic(const Options& options) : n_(options.problem.of<SizeOptions>().n) {}

  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return n_; }
  [[nodiscard]] Index n_y() const override { return n_; }
  [[nodiscard]] Index n_rows(Level level) const override { return level <= Level::Upper ? n_ : 0; }
  [[nodiscard]] int share_exponent(Level level, Index n_rows_in_pass) const override;
  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) final;
  [[nodiscard]] bool has_g() const override { return false; }
  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  void measure(InSpan tallies, In x, In y, Metrics& metrics) const override;

 protected:
  struct Point {
    Vec x, y;
  };
  /// Entries of y beyond n belong to term i as well (i + n).
  struct Term {
    Real value = 0, grad_x = 0, grad_y = 0, grad_y2 = 0;
  };
  Index n_;

 private:
  template <Level level>
  void add_terms(const Block& block, InSpan x, const Probe& probe, Share& share) const;
};

class StronglyConvex final : public Synthetic<StronglyConvex> {
 public:
  StronglyConvex(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] std::optional<LipschitzConstants> constants() const override;
  void start(Out x, Out y) const override;

 private:
  friend Synthetic;
  [[nodiscard]] Term term(Level level, Index i, InSpan x, InSpan y) const;
  [[nodiscard]] Point optimum(In x) const;
  [[nodiscard]] Real diagonal(Index i) const;
  Real condition_;
};

class MerelyConvex final : public Synthetic<MerelyConvex> {
 public:
  MerelyConvex(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] Index n_y() const override { return 2 * n_; }
  [[nodiscard]] std::optional<LipschitzConstants> constants() const override;
  void start(Out x, Out y) const override;

 private:
  friend Synthetic;
  [[nodiscard]] Term term(Level level, Index i, InSpan x, InSpan y) const;
  [[nodiscard]] Point optimum(In x) const;
};

class SineNonconvex final : public Synthetic<SineNonconvex> {
 public:
  SineNonconvex(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] Index n_x() const override { return 1; }
  [[nodiscard]] std::optional<LipschitzConstants> constants() const override;
  void start(Out x, Out y) const override;
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override;

 private:
  friend Synthetic;
  [[nodiscard]] Term term(Level level, Index i, InSpan x, InSpan y) const;
  [[nodiscard]] Point optimum(In x) const;
};

class LassoNonsmooth final : public Synthetic<LassoNonsmooth> {
 public:
  LassoNonsmooth(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] std::optional<LipschitzConstants> constants() const override;
  void start(Out x, Out y) const override;
  [[nodiscard]] bool has_g() const override { return true; }
  [[nodiscard]] Real g(In x, In y) const override;
  void add_grad_x_g(Real factor, In x, In y, Out grad) const override;
  void prox_g(Real step, In x, Out y) const override;
  void project_x(Out x) const override;

 private:
  friend Synthetic;
  [[nodiscard]] Term term(Level level, Index i, InSpan x, InSpan y) const;
  [[nodiscard]] Point optimum(In x) const;
  [[nodiscard]] Real a(Index i) const { return (i < n_ / 2 ? 1.0 : -1.0) / static_cast<Real>(n_); }
};

}  // namespace meha
