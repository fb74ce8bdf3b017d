// SPDX-License-Identifier: MIT
// Models of labels in training, all on the same minibatch a step.
#pragma once

#include "meha/solver/train_models.hpp"
#include "model_gradients.hpp"

namespace meha {

/// Adam's first and second moments of one vector (Kingma, Ba, ICLR 2015, Algorithm 1).
class Adam {
 public:
  /// @param n_biases  the last entries of y: their feature counts as `bias` instead of 1, so that they take steps `bias` times
  /// as large and the prior holds them back less
  explicit Adam(Index size, Index n_biases = 0, Real bias = 1)
      : m_(Vec::Zero(size)), v_(Vec::Zero(size)), n_biases_(n_biases), bias_(bias) {}

  void begin_step();
  /// y ← y − a·m̂/(√v̂ + ε) by the gradient of the mean loss plus ½‖y‖²/n_rows, for the entries of y from `first` on that there is
  /// a gradient of. Quotients, products and square roots alone, so that it gives the same bits on every processor.
  /// @return whether these are finite
  bool step(Index first, InSpan gradient, Real n_rows, Real a, Vec& y);

 private:
  Vec m_, v_;
  Index n_biases_;
  Real bias_;
  Real power1_ = 1, power2_ = 1;  // β₁ and β₂ to the number of steps
};

/// What becomes of N in a stage. Models that know little yet would make a wrong one of it, which then misleads them.
enum class Noise { Kept, AtTheEnd, Followed };

/// Models in training, all from the classifier's start.
class Models {
 public:
  /// @param n_expected  steps of all stages, for Oracle::progress
  Models(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x, Index n_expected);

  /// Losses out of fold, each row's by the judge of its fold, over the number of doubtful rows, or of trusted ones:
  /// of the judges that are trained on all rows, and of those that are trained on trusted rows alone.
  struct Loss {
    Real doubtful = 0, trusted = 0;
  };
  /// Trains the models that `active` names. Collective.
  /// @return means over the last quarter of the steps, or over the last pass; nothing when it had to stop
  std::optional<Loss> stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate, Noise noise);
  /// Copies each of these y from the rank that trains it to all. Collective.
  void hand_out(std::vector<Vec>& y) const { gradients_->hand_out(y); }

  TrainedModels trained;  // y: empty where another rank trains it

 private:
  /// Of one judge, where this rank answers for it.
  struct OfJudge {
    Vec counts;     // of given and other classes since N was last followed
    Real loss = 0;  // over the steps that are measured
  };

  [[nodiscard]] bool is_judge(std::size_t j) const { return plans_[j].training.fold != Training::no_fold; }
  void step(const std::vector<std::size_t>& active, Real size, bool is_measured);
  [[nodiscard]] bool follow_noise();
  [[nodiscard]] std::optional<Loss> losses(Index n_measured);

  Oracle& oracle_;
  CrossFit& problem_;
  std::vector<ModelPlan> plans_;
  Real n_doubtful_, n_trusted_;
  std::unique_ptr<ModelGradients> gradients_;
  std::vector<Adam> adam_;       // by model; empty where another rank trains it
  std::vector<OfJudge> judges_;  // by model
  Index step_ = 0, n_expected_;  // of all stages
};

}  // namespace meha
