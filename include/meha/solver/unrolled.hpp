// SPDX-License-Identifier: MIT
// What methods share that differentiate through the steps of an inner loop (rhg, iaptt_gm):
//   y_{t+1} = y_t − β [ (1−m_t) ∇_y f(x,y_t) + m_t ∇_y F(x,y_t) ]   for t < T
// and back from some y_s with p = ∇_y F(x,y_s), G = ∇_x F(x,y_s), for t = s−1, s−2, …:
//   G ← G − β [ (1−m_t) ∇²_xy f(x,y_t)·p + m_t ∇²_xy F(x,y_t)·p ]        with the p before
//   p ← p − β [ (1−m_t) ∇²_yy f(x,y_t)·p + m_t ∇²_yy F(x,y_t)·p ]
// Each step is one pass; the last one back steps x along G.
#pragma once

#include <vector>

#include "meha/solver/smooth_method.hpp"

namespace meha {

class UnrolledMethod : public SmoothMethod {
 protected:
  /// @param mixture  m_t = mixture/(t+1)
  UnrolledMethod(const std::string& name, std::vector<std::string> helpers, const AlgorithmOptions& options,
                 const Problem& problem, Real mixture);

  /// Makes y_{t+1} of s["y"] = y_t, and keeps y_t. @param n_steps  T
  /// @param of_upper  what is wanted of F at y_t besides; nothing with a mixture
  /// @return that; null where nothing is wanted. Valid until the next sweep. Collective.
  const Result* descend(Oracle& oracle, State& s, Index t, Index n_steps, Want of_upper = Want::Nothing);
  /// Goes back along these steps, from the last to the first, then steps x along G. Collective.
  /// @param p, grad_x  ∇_y F and, with shared x, ∇_x F where the steps end     @return p at their beginning
  Vec go_back(Oracle& oracle, State& s, Range steps, Vec p, const Vec& grad_x);

 private:
  [[nodiscard]] Real mixture_at(Index t) const { return mixture_ / static_cast<Real>(t + 1); }

  const Real mixture_;
  std::vector<Vec> trajectory_;  // scratch of one step: y_0 … y_{T−1}
};

}  // namespace meha
