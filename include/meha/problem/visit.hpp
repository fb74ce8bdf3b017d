// SPDX-License-Identifier: MIT
// Visits of a problem's blocks at the probes of a pass, with second-order products whether the problem has them or not.
//   exact        add() and add_whole() of a problem with has_products() fill hess_y and cross_x themselves
//   differences  ∇²_yy·v ≈ (∇_y(y + εv) − ∇_y(y − εv))/2ε,   ∇²_xy·v ≈ (∇_x(y + εv) − ∇_x(y − εv))/2ε,
//                ε = ∛u·(1 + ‖y‖)/‖v‖, u the rounding error of a row's gradients: two more points of the same pass
// Differences are taken block by block in double, before anything is summed over blocks.
#pragma once

#include "meha/problem/problem.hpp"

namespace meha {

class Visit {
 public:
  explicit Visit(Problem& problem) : problem_(problem) {}

  /// Calls Problem::begin_pass(), or ColumnPasses::begin_pass_in() where there are columns.
  void begin(Level level, std::span<const Probe> probes, std::span<const Index> columns);
  /// Adds what Problem::add() adds, at the probes of begin().
  void add(const Block& block, InSpan x, std::span<Share> shares, const BetweenHalves& between);
  /// Adds what Problem::add_whole() adds, at every probe of begin().
  void add_whole(InSpan x, std::span<Share> shares);

 private:
  struct Difference {
    std::size_t probe = 0, above = 0;  // among the probes wanted and those visited; below = above + 1
    Real width = 0;                    // 2ε
    Vec y_above, y_below;
    Vec grad_x_above, grad_x_below, grad_y_above, grad_y_below;
  };

  Difference& next_difference();
  void take_shares(std::span<const Share> shares);
  void give_cross(std::span<Share> shares, Range rows);
  void give_rest(std::span<Share> shares, bool with_x);

  Problem& problem_;
  Level level_ = Level::Lower;
  std::vector<Probe> probes_;
  std::vector<Share> shares_;
  std::vector<Difference> differences_;  // the first n_differences_ are in use
  std::size_t n_differences_ = 0, n_wanted_ = 0;
};

}  // namespace meha
