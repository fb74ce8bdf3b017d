// SPDX-License-Identifier: MIT
// RHG: the gradient of F with respect to x through T steps on the lower level, by reverse differentiation.
//   y_{t+1} = y_t − β [ (1−m_t) ∇_y f(x,y_t) + m_t ∇_y F(x,y_t) ],  t < T;   m_t = m₀/(t+1)
//   p = ∇_y F(x,y_T),   G = ∇_x F(x,y_T);   for t = T−1 … T−K:
//     G ← G − β [ (1−m_t) ∇²_xy f(x,y_t)·p + m_t ∇²_xy F(x,y_t)·p ]        with the p before
//     p ← p − β [ (1−m_t) ∇²_yy f(x,y_t)·p + m_t ∇²_yy F(x,y_t)·p ]
//   x⁺ = Proj_X( x − αG ),   y⁺ = y_T
//   y_0 is the y of the iteration before (warm), or that of the run's start (cold).
// Sources: Franceschi, Donini, Frasconi, Pontil, "Forward and Reverse Gradient-Based Hyperparameter Optimization", ICML 2017,
// arXiv 1703.01785; K < T: Shaban, Cheng, Hatch, Boots, AISTATS 2019, arXiv 1810.10667; m₀ > 0: Liu, Mu, Yuan, Zeng, Zhang,
// "A Generic First-Order Algorithmic Framework for Bi-Level Programming Beyond Lower-Level Singleton" (BDA), ICML 2020,
// arXiv 2006.04045.
// Notation: T → algorithm.rhg.inner, K → truncate, m₀ → mixture.
// Differs from the source: the direction of x may pass through momentum or Adam; X by projection; BDA's step sizes of both
// gradients are one β.
// With m₀ = 0 directions of y along which f is flat keep their start: ∇_y F is not lowered there.
// T + K + 1 passes, the one at y_T over rows of F alone. Keeps T vectors as long as y beside State.
#pragma once

#include "meha/solver/unrolled.hpp"

namespace meha {

struct RhgOptions {
  Index inner = 20, truncate = 0;
  std::string start = "warm";
  Real mixture = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"algorithm.rhg.inner", Rule::at_least(1), Fixed, "steps of y in an iteration, T"}, inner);
    see(OptionInfo{"algorithm.rhg.truncate", Rule::at_least(0), Fixed,
                   "steps that are differentiated, the last ones; 0: all"},
        truncate);
    see(OptionInfo{"algorithm.rhg.start", Rule::one_of("warm|cold"), Fixed,
                   "where the steps of y begin: at the last y, or at that of the start"},
        start);
    see(OptionInfo{"algorithm.rhg.mixture", Rule::between(0, 1), Fixed,
                   "weight of F in the first step of y, 1/(t+1) of it in step t (BDA)"},
        mixture);
  }
};

class Rhg final : public UnrolledMethod {
 public:
  Rhg(const AlgorithmOptions& options, const Problem& problem);
  void add_fields(const Oracle& oracle, State& state) override;
  void init(Oracle& oracle, State& state) override;
  void step(Oracle& oracle, State& state) override;

 private:
  const RhgOptions own_;
  const bool is_cold_;
};

}  // namespace meha
