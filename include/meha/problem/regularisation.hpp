// SPDX-License-Identifier: MIT
// Regularisation: one penalty per feature, learnt so that a linear model trained with them does well on other rows.
//   y = (W, b),  W (K × d, row-major),  W_j = column j: the weights of feature j for all K outputs;  x ∈ ℝ^d, shared
//   F(y)   = (1/n_val) Σ_i ℓ_i(y)                                      over the validation rows
//   f(x,y) = (1/n) Σ_i ℓ_i(y) + [l2] ½ Σ_j e^{x_j} ‖W_j‖²              over the training rows
//   g(x,y) = [l1] Σ_j x_j ‖W_j‖₁   or   [group] Σ_j x_j ‖W_j‖   or   [l2] 0
//   X      = [x_min, x_max]^d, for l1 and group [max(x_min, 0), x_max]^d;  x⁰ = x_start moved into X
//   l2:    ∂f/∂x_j = ½ e^{x_j} ‖W_j‖²,   ∂f/∂W_kj += e^{x_j} W_kj
//          along v = (V, c):  (∇²_xy f·v)_j = e^{x_j} ⟨W_j, V_j⟩,   (∇²_yy f·v)_kj += e^{x_j} V_kj
//   prox of s·g:  l1: W_kj ← sign(W_kj)·max(|W_kj| − s·x_j, 0);   group: W_j ← W_j·max(1 − s·x_j/‖W_j‖, 0)
// ℓ is the cross-entropy [nats] of K classes, or with problem.loss = "squared" ½(W·a + b − t)² of K = 1 output: ridge
// regression (l2) or the lasso (l1). b is not penalised.
#pragma once

#include "meha/problem/classified_rows.hpp"

namespace meha {

struct RegularisationOptions {
  std::string loss = "cross_entropy";
  std::string penalty = "l2";
  Real x_start = -4, x_min = -12, x_max = 12;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.loss", Rule::one_of("cross_entropy|squared"), Fixed,
                   "cross_entropy of classes; squared: (w*a+b-t)^2/2 of labels t that are any numbers"},
        loss);
    see(OptionInfo{"problem.penalty", Rule::one_of("l2|l1|group"), Fixed,
                   "e^x_j/2*|W_j|^2, x_j*|W_j|_1 or x_j*|W_j|, W_j: the weights of feature j"},
        penalty);
    see(OptionInfo{"problem.x_start", Rule::any(), Fixed, "start of every x_j, moved into [x_min, x_max]"}, x_start);
    see(OptionInfo{"problem.x_min", Rule::any(), Fixed, "lower bound of every x_j; l1, group: 0 where this is below 0"},
        x_min);
    see(OptionInfo{"problem.x_max", Rule::positive(), Fixed,
                   "upper bound of every x_j; l2: steps of y and theta must stay below 2/e^x_max"},
        x_max);
  }
};

inline constexpr std::array regularisation_metrics = {
    MetricInfo{"test_r2", "1 - test_error relative to the variance of the test rows' targets"},
    MetricInfo{"features_used", "features with a weight that is not 0 for some class"}};

class Regularisation final : public ClassifierProblem, public OwnMetrics, public SearchSpace {
 public:
  /// Loads and splits the data on rank 0 and deals out the rows. Collective.
  /// Errors: as load_split(), Error(Config) for x_min above x_max; on all ranks.
  Regularisation(const Options& options, const Communicator& comm, Simd simd);

  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return rows_.n_features(); }
  void start(Out x, Out y) const override;
  void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
           const BetweenHalves& between) override;
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override;
  [[nodiscard]] bool has_whole(Level level) const override { return level == Level::Lower && penalty_ == Penalty::L2; }
  [[nodiscard]] bool has_products() const override { return true; }
  [[nodiscard]] bool has_g() const override { return penalty_ != Penalty::L2; }
  [[nodiscard]] Real g(In x, In y) const override;
  void add_grad_x_g(Real factor, In x, In y, Out grad) const override;
  void prox_g(Real step, In x, Out y) const override;
  void project_x(Out x) const override;

  [[nodiscard]] SearchSpace* search_space() override { return this; }
  /// l2: all of X, x_j = x_min + u_j·(x_max − x_min); l1, group: log x_j likewise, from max(x_min, e^−12).
  void search_point(InSpan u, Out x) const override;

  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  [[nodiscard]] Index n_tallies() const override { return ClassifiedRows::n_tally; }
  void tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies) override;
  void measure(InSpan tallies, In x, In y, Metrics& metrics) const override;

 private:
  enum class Penalty { L2, L1, Group };

  Penalty penalty_;
  Real x_start_, x_min_, x_max_;
  Loss loss_;
  std::string init_;
  Index seed_;
  Real test_variance_ = 0;  // of the test rows' targets; on rank 0
};

}  // namespace meha
