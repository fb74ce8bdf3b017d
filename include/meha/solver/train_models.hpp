// SPDX-License-Identifier: MIT
// Trains the models of problem/cross_fit, all of them in one pass over the rows a step: Adam on minibatches of doubtful and
// trusted rows, each row counting once, with the prior of unit variance that scikit-learn's logistic regression has,
//   min over y_j of  Σ_i ℓ_i(x, y_j) + Σ_v ℓ_v(y_j) + ½‖y_j‖²,   step size a/2·(1 + cos(π t/T)),   t = 1 … T
// cross_fit() does so in stages, up to 1,500 steps in all, or one pass where that is more. Linear models make 2 passes and at
// least 128 steps with a/4, then three times as many, or what is left if that is two thirds of it, with 3a/4. Others make 1 pass
// and at least 48 steps, then twice as many; further stages, each twice as long as the one before, follow while a judge that
// tries one finds that it saves 1 % of the loss out of fold. Models that a stage makes worse keep what they were. Features of
// perceptrons are centred (solver/adam), but those of sparse rows: such stages have at least 64 steps, the first with a/4.
// The M step of expectation maximisation sets N = e^x from expected counts out of fold: of the second half of the first stage at
// its end, then of every T/16 steps (linear models: T/32; 12 at least). In linear models a step changes logits by the sum of all
// features' steps: a grows by few_features(). A bias, whose step nothing adds to, takes the largest of these steps whatever the
// features, and variance (10/few_features())².
// A small minibatch goes to all ranks, and model j is trained by rank j mod P (trains_apart()); of a large one each rank
// visits its own rows for all models, and their sums are exact. In neither case does a model depend on the number of ranks.
#pragma once

#include "meha/problem/cross_fit.hpp"
#include "meha/solver/oracle.hpp"

namespace meha {

struct ModelPlan {
  Training training;
  bool doubtful = true;  // trained on doubtful rows, as `training` says
  bool trusted = true;   // trained on trusted rows
};

struct TrainedModels {
  std::vector<Vec> y;      // one of each plan; not where `agreed` names an end
  Vec x;                   // log N
  Index n_steps = 0;       // that the models of doubtful rows have made
  Index n_row_visits = 0;  // rows times models
  Requests agreed;         // not_finite, stop or time_limit: y and x are not usable
};

/// What the schedule of training depends on besides numbers of rows.
struct ModelKind {
  bool is_linear = true;
  bool is_centred = false;  // CrossFit::is_centred()
};
ModelKind kind_of(const CrossFit& problem);

constexpr Real most_few_features = 10;
/// 10 for up to 78 features, falling to 1 for 784 and more.
Real few_features(const CrossFit& problem);
/// The step size a: 0.01·few_features() for linear models, 0.008 for others.
Real usual_step_size(const CrossFit& problem);

/// Rows of a minibatch of so many doubtful rows.
Index batch_rows(Index n_rows);

/// What the rows of a training step are.
struct StepRows {
  Index batch = 0;    // doubtful rows that are wanted
  Index n_rows = 0;   // of both levels, in whole blocks
  Index n_bytes = 0;  // of these
};
/// Whether each rank trains models of its own: where steps have few rows.
bool trains_apart(const StepRows& step, std::size_t n_models, bool is_linear);
/// The bytes of so many rows; sparse: about.
Index bytes_of_rows(Index n_rows, Index n_features, Storage element);

/// The Oracle for training: minibatches of blocks that suit the numbers of rows. @param setup  of the run
Oracle::Setup training_setup(const CrossFit& problem, Oracle::Setup setup);

/// Steps for models that nothing is held out for: 6 passes over the doubtful rows, within 384 steps (of centred features 144)
/// and 1,000, or one pass where that is more.
Index usual_steps(Oracle& oracle, const ModelKind& kind);

/// Steps that cross_fit() is likely to make: all of linear models; of others those of two stages, with many rows three.
Index expected_steps(Index iterations_per_pass, const ModelKind& kind);

/// Steps of models that are trained anew after a run whose models of labels took n_steps.
Index steps_of_refit(Oracle& oracle, const ModelKind& kind, Index n_steps);

/// What cross_fit() trains: judges of all folds and a model of all rows; then, where there are trusted rows, the same of
/// trusted rows alone.
std::vector<ModelPlan> cross_fit_plans(const CrossFit& problem);

/// One stage, N as it is. @param oracle  of `problem`, made with training_setup()   @param x  log N, (n_classes²)
/// @param learning_rate  a      Collective. The same bits on any number of ranks.
TrainedModels train(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x,
                    Real learning_rate, Index n_steps);

/// Trains cross_fit_plans(). Collective. The same bits on any number of ranks.
TrainedModels cross_fit(Oracle& oracle, CrossFit& problem, Real learning_rate);

/// Errors: Error(Stopped) where a stop or the time limit was agreed on.
void require_not_stopped(const Requests& agreed);

struct Trial {
  Real loss = 0;  // infinite where it is not finite
  Index n_row_visits = 0;
};
/// The mean loss out of fold [nats] after two short stages: of doubtful and trusted rows of one fold, by the judge trained on the
/// others. It serves to compare models. Collective. The same bits on any number of ranks.
/// Errors: Error(Stopped) on request.
Trial loss_out_of_fold(Oracle& oracle, CrossFit& problem, Real learning_rate);

}  // namespace meha
