// SPDX-License-Identifier: MIT
// Gradients of the models of labels in training, of one minibatch a step.
//   together  every rank computes its own rows' share of all gradients, which are summed exactly over ranks (Oracle)
//   apart     every rank computes the whole gradients of its own models, on rows that it is sent (SharedRows)
// What a model becomes does not depend on the number of ranks in either case.
#pragma once

#include <memory>

#include "meha/solver/oracle.hpp"
#include "meha/solver/train_models.hpp"

namespace meha {

/// What a step has found at one model besides ∂/∂y.
struct ModelSums {
  Real doubtful = 0, trusted = 0;  // values
  const Vec* grad_x = nullptr;     // of judges of doubtful rows; valid until the next step
};

class ModelGradients {
 public:
  ModelGradients(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans)
      : oracle_(oracle), problem_(problem), plans_(plans.begin(), plans.end()) {}
  ModelGradients(const ModelGradients&) = delete;
  ModelGradients& operator=(const ModelGradients&) = delete;
  virtual ~ModelGradients() = default;

  /// Whether this rank steps model j, and has its y.
  [[nodiscard]] virtual bool steps(std::size_t j) const = 0;
  /// Names the models that the steps to come train. Every rank names the same.
  virtual void use(std::span<const std::size_t> models) = 0;
  /// Computes what of() returns. @param x  log N    @param y  by model; empty where this rank does not step it
  /// @return what any rank asks for; where that is an end, nothing is computed    Collective.
  /// Errors, on all ranks: what the problem has thrown on one.
  virtual Requests take(Index step, Vec& x, std::span<const Vec> y) = 0;
  /// @param j  a model in use that this rank steps
  [[nodiscard]] virtual ModelSums of(std::size_t j) const = 0;
  /// Shows ∂/∂y of the loss of model j, one that is in use and that this rank steps: the mean over doubtful rows plus N'/N
  /// times that over trusted rows, or the latter alone. Pieces of the first layer come as those of
  /// Classifier::take_gradient(); in a pass over few features there is one piece.
  virtual void take_gradient(std::size_t j, const TakePiece& take) = 0;

  /// Copies vectors, one by model, from the ranks that step the models to all. Collective.
  virtual void hand_out(std::vector<Vec>& by_model) const = 0;

  /// Whether this rank is the one that brings what model j adds to sum().
  [[nodiscard]] bool answers_for(std::size_t j) const;
  /// Sums vectors exactly over models, in any order. Collective. @param mine  of the models that this rank answers for
  /// @param total  as long as each of them, set    @return whether all numbers were finite
  bool sum(std::span<const InSpan> mine, OutSpan total);
  /// Says that what take() gave has led to numbers that are not finite.
  void raise_not_finite() { not_finite_ = true; }

 protected:
  [[nodiscard]] bool is_judge(std::size_t j) const { return plans_[j].training.fold != Training::no_fold; }
  /// Of trusted rows in the loss of a model that is trained on doubtful ones, too: N'/N.
  [[nodiscard]] Real weight_of_trusted() const {
    return static_cast<Real>(problem_.n_rows(Level::Upper)) / static_cast<Real>(problem_.n_rows(Level::Lower));
  }

  Oracle& oracle_;
  CrossFit& problem_;
  std::vector<ModelPlan> plans_;
  std::optional<Error> failure_;  // of this rank, not yet told to the others
  bool not_finite_ = false;       // likewise
};

std::unique_ptr<ModelGradients> make_model_gradients(Oracle& oracle, CrossFit& problem,
                                                     std::span<const ModelPlan> plans);

}  // namespace meha
