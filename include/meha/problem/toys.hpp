// SPDX-License-Identifier: MIT
// Two small nonconvex problems of other papers; each has one row, x is shared.
//   rxgd_toy  F = sin(cᵀx + dᵀy) + log(‖x+y‖² + 1),   f = ½‖Hy−x‖²  or  cos(½‖Hy−x‖²),   n = problem.n (20 in the paper),
//             H symmetric with spectrum in (0.1, 1), c and d random;  start x, y uniform in (−1, 1)
//             Source: Abolfazli et al., arXiv 2504.17215, section 5.
//   pbgd_toy  F = cos(4y+2)/(1 + e^{2−4x}) + ½ ln((4x−2)² + 1),   f = (x+y)² + x·sin²(x+y),   x ∈ [0,3];  start (2, 2)
//             Source: Shen, Chen, ICML 2023, arXiv 2302.05185.
#pragma once

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/kernels/kernels.hpp"
#include "meha/problem/problem.hpp"

namespace meha {

struct RxgdToyOptions {
  std::string lower = "convex";

  void each(auto&& see) {
    see(OptionInfo{"problem.lower", Rule::one_of("convex|cosine"), OnResume::Fixed,
                   "lower level |Hy-x|^2/2, or its cosine"},
        lower);
  }
};

class RxgdToy final : public Problem {
 public:
  RxgdToy(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return c_.size(); }
  [[nodiscard]] Index n_y() const override { return c_.size(); }
  [[nodiscard]] Index n_rows(Level level) const override { return level <= Level::Upper ? 1 : 0; }
  void start(Out x, Out y) const override;
  [[nodiscard]] bool has_g() const override { return false; }
  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) override;
  [[nodiscard]] bool has_products() const override { return true; }

 private:
  Index seed_;
  bool cosine_;
  Vec c_, d_;
  Eigen::MatrixXd h_;
};

class PbgdToy final : public Problem {
 public:
  PbgdToy(const Options& options, const Communicator& comm, Simd simd);
  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return 1; }
  [[nodiscard]] Index n_y() const override { return 1; }
  [[nodiscard]] Index n_rows(Level level) const override { return level <= Level::Upper ? 1 : 0; }
  void start(Out x, Out y) const override;
  [[nodiscard]] bool has_g() const override { return false; }
  void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share) override;
  [[nodiscard]] bool has_products() const override { return true; }
  void project_x(Out x) const override;
};

}  // namespace meha
