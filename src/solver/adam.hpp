// SPDX-License-Identifier: MIT
// Adam, for models of labels.
#pragma once

#include "meha/problem/cross_fit.hpp"

namespace meha {

/// Adam's first and second moments of one vector (Kingma, Ba, ICLR 2015, Algorithm 1). With the means µ of features it steps W
/// and c = b + Wµ of the first layer: W·a + b = W·(a − µ) + c. At fixed b, gradients to W are near multiples of µ, and few
/// directions of W are learnt fast (LeCun, Bottou, Orr, Müller, Efficient BackProp, 1998, section 4.3).
///   (∂/∂W at fixed c) = (∂/∂W at fixed b) − (∂/∂b)·µᵀ,   b ← b + Δc − ΔW·µ
class Adam {
 public:
  /// The last entries of y: their feature counts as `feature` instead of 1, so that they take steps as many times as large and
  /// the prior holds them back less.
  struct Biases {
    Index n = 0;
    Real feature = 1;
  };

  Adam(Index size, const Biases& biases) : m_(Vec::Zero(size)), v_(Vec::Zero(size)), biases_(biases) {}
  /// @param means  µ, (layer.n_features); empty: 0. Must outlive this
  Adam(Index size, const CrossFit::FirstLayer& layer, const Vec& means)
      : m_(Vec::Zero(size)),
        v_(Vec::Zero(size)),
        layer_(layer),
        means_(&means),
        slopes_(means.size() > 0 ? layer.n_units : 0) {}

  void begin_step();
  /// y ← y − a·m̂/(√v̂ + ε) by the gradient of the mean loss plus ½‖y‖²/n_rows, for the entries of y from `first` on that there is
  /// a gradient of: a piece of ModelGradients::take_gradient(). Quotients, products and square roots alone, so that it gives the
  /// same bits on every processor. @return whether these are finite
  bool step(Index first, InSpan gradient, Real n_rows, Real a, Vec& y);

 private:
  Vec m_, v_;
  Biases biases_;
  CrossFit::FirstLayer layer_;
  const Vec* means_ = nullptr;
  Vec slopes_;                    // ∂/∂b of the first layer in this step; empty: features are not centred
  Real power1_ = 1, power2_ = 1;  // β₁ and β₂ to the number of steps
};

}  // namespace meha
