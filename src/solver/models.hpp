// SPDX-License-Identifier: MIT
// Models of labels in training, all on the same minibatch a step.
#pragma once

#include "adam.hpp"
#include "meha/solver/train_models.hpp"
#include "model_gradients.hpp"

namespace meha {

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
  /// Tries a stage with a few judges of the last one, N as it is, and takes it back. Collective.
  /// @return the share of their losses that it saves; nothing when it had to stop
  std::optional<Loss> gain_of(const std::vector<std::size_t>& judges, Index n_steps, Real learning_rate);
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
  [[nodiscard]] std::optional<Loss> losses(const std::vector<std::size_t>& models);
  [[nodiscard]] Index visits_of_step(const std::vector<std::size_t>& models) const;

  Oracle& oracle_;
  CrossFit& problem_;
  std::vector<ModelPlan> plans_;
  Real n_doubtful_, n_trusted_;
  std::unique_ptr<ModelGradients> gradients_;
  Vec means_;                    // of features; empty: they are not centred
  std::vector<Adam> adam_;       // by model; empty where another rank trains it
  std::vector<OfJudge> judges_;  // by model
  Index step_ = 0;               // of all stages
  Index n_measured_ = 0;         // steps of the last stage whose losses were added up
  Index n_expected_;             // visits, of all stages
};

}  // namespace meha
