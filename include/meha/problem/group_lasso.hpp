// SPDX-License-Identifier: MIT
// Sparse group lasso with one weight per group and one for sparsity, chosen by the validation error:
//   F = ½‖A_val y − b_val‖²,   f = ½‖A_tr y − b_tr‖²,   g = Σ_j x_j‖y^(j)‖ + x_{J+1}‖y‖₁,   x ≥ 0
// Rows are samples. Generator: A ~ N(0,1), groups of problem.group_size consecutive entries, the first, middle and last
// group hold (1,2,3,4,5,0,…), the others zero; b = A·y + noise of variance Var(A·y)/SNR with SNR = 2; 100 rows each for
// training, validation and test. Metric test_error = ‖A_test y − b_test‖²/‖b_test‖².
// Source: Liu et al., ICML 2024, arXiv 2405.09927, section 4 (group lasso); the data follow Feng, Simon, 2018.
#pragma once

#include <array>
#include <vector>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/kernels/kernels.hpp"

namespace meha {

struct GroupLassoOptions {
  Index group_size = 30;

  void each(auto&& see) {
    see(OptionInfo{"problem.group_size", Rule::at_least(1), OnResume::Fixed, "entries per group"}, group_size);
  }
};

inline constexpr MetricInfo test_error_metric{
    "test_error", "squared error on test rows: their mean; group_lasso: relative to the targets' squares"};

class GroupLasso final : public Problem, public OwnMetrics {
 public:
  GroupLasso(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return static_cast<Index>(groups_.size()) + 1; }
  [[nodiscard]] Index n_y() const override { return n_; }
  [[nodiscard]] Index n_rows(Level level) const override;
  [[nodiscard]] int share_exponent(Level level, Index n_rows_in_pass) const override;
  void start(Out x, Out y) const override;
  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) override;
  [[nodiscard]] bool has_products() const override { return true; }  // ∇²_yy·v = AᵀA·v, ∇²_xy·v = 0
  [[nodiscard]] Real g(In x, In y) const override;
  void add_grad_x_g(Real factor, In x, In y, Out grad) const override;
  void prox_g(Real step, In x, Out y) const override;
  void project_x(Out x) const override;
  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  void measure(InSpan tallies, In x, In y, Metrics& metrics) const override;

 private:
  struct Samples {
    Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> a;
    Vec b;
  };
  [[nodiscard]] Samples draw(Level level, Index seed) const;
  [[nodiscard]] const Samples& samples(Level level) const { return samples_[level]; }

  Index n_;
  std::vector<Range> groups_;
  Vec truth_;
  PerLevel<Samples> samples_;  // of Lower, Upper and Test: small, so every rank draws them all
};

}  // namespace meha
