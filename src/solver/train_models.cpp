// SPDX-License-Identifier: MIT
#include "meha/solver/train_models.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "meha/problem/label_noise.hpp"
#include "models.hpp"

namespace meha {
namespace {

constexpr Index most_steps = 1500;  // unless a pass takes more
constexpr Real least_gain = 0.01;   // relative, of the loss out of fold in a stage

/// Steps of the first stage, at least.
Index least_steps(const ModelKind& kind) {
  return kind.is_linear ? 128 : kind.is_centred ? 48 : 64;
}

struct TrainingStage {
  Index n_steps = 0;
  Real rate = 1;  // of the step size a
};

/// Stages of cross_fit().
std::vector<TrainingStage> stages_of(Index per_pass, const ModelKind& kind) {
  const Index most = std::max(most_steps, per_pass);
  const Index length = std::clamp((kind.is_linear ? 2 : 1) * per_pass, least_steps(kind), most);
  if (kind.is_linear) {
    const Index left = most - length;
    std::vector<TrainingStage> stages = {{length, 0.25}};
    if (left >= 2 * length) {
      stages.push_back({std::min(3 * length, left), 0.75});
    }
    return stages;
  }
  std::vector<TrainingStage> stages = {{length, kind.is_centred ? 1 : 0.25}};
  Index left = most - stages.front().n_steps;
  while (left >= 2 * stages.back().n_steps) {
    stages.push_back({2 * stages.back().n_steps, std::min(2 * stages.back().rate, 1.0)});
    left -= stages.back().n_steps;
  }
  return stages;
}

/// Models of cross_fit_plans() that are trained while that helps: those of all rows, or those of trusted rows alone.
struct Group {
  std::vector<std::size_t> models = {};
  std::size_t scout = 0;  // the judge that tries a stage before the others
  Real loss = std::numeric_limits<Real>::infinity();
  bool is_active = true;
};

/// The scouts are of different ranks, where there are two.
std::array<Group, 2> groups_of(std::span<const ModelPlan> plans) {
  std::array<Group, 2> groups;
  for (std::size_t j = 0; j < plans.size(); ++j) {
    groups[plans[j].doubtful ? 0 : 1].models.push_back(j);
  }
  groups[1].scout = plans.size() / 2 | 1;
  groups[1].is_active = !groups[1].models.empty();
  return groups;
}

/// @param of  what is taken of a group that is active
template <class Of>
std::vector<std::size_t> of_active(std::span<const Group> groups, Of&& of) {
  std::vector<std::size_t> all;
  for (const Group& group : groups) {
    if (group.is_active) {
      const std::vector<std::size_t> some = of(group);
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  return all;
}

}  // namespace

ModelKind kind_of(const CrossFit& problem) {
  return {.is_linear = problem.is_linear(), .is_centred = problem.is_centred()};
}

Real few_features(const CrossFit& problem) {
  return std::clamp(784 / static_cast<Real>(problem.rows().n_features()), 1.0, most_few_features);
}

Real usual_step_size(const CrossFit& problem) {
  return problem.is_linear() ? 0.01 * few_features(problem) : 0.008;
}

void require_not_stopped(const Requests& agreed) {
  if (agreed.stop || agreed.time_limit) {
    throw Error(ExitCode::Stopped, std::string(agreed.stop ? "asked to stop" : "run.time_limit_s reached") +
                                       " while fitting the models that the run starts from: nothing was begun");
  }
}

Index usual_steps(Oracle& oracle, const ModelKind& kind) {
  constexpr Index n_passes = 6;
  constexpr Index most = 1000;
  const Index least = kind.is_centred ? 3 * least_steps(kind) : 384;
  const Index per_pass = oracle.iterations_per_pass();
  return std::max(std::clamp(n_passes * per_pass, least, most), per_pass);
}

Index expected_steps(Index per_pass, const ModelKind& kind) {
  const std::vector<TrainingStage> stages = stages_of(per_pass, kind);
  const std::size_t n_usual = per_pass < stages.front().n_steps ? 2 : 3;  // many rows: there is more to learn
  Index n_steps = 0;
  for (std::size_t i = 0; i < std::min(stages.size(), n_usual); ++i) {
    n_steps += stages[i].n_steps;
  }
  return n_steps;
}

Index steps_of_refit(Oracle& oracle, const ModelKind& kind, Index n_steps) {
  const Index usual = usual_steps(oracle, kind);
  return std::min(n_steps, kind.is_linear ? usual : 2 * usual);  // perceptrons' judges went on while that helped
}

std::vector<ModelPlan> cross_fit_plans(const CrossFit& problem) {
  const bool has_trusted = problem.n_rows(Level::Upper) > 0;
  std::vector<ModelPlan> plans;
  for (const bool doubtful : {true, false}) {
    for (Index fold = 0; fold <= problem.n_folds() && (doubtful || has_trusted); ++fold) {
      plans.push_back({.training = {.fold = fold < problem.n_folds() ? fold : Training::no_fold},
                       .doubtful = doubtful,
                       .trusted = has_trusted});
    }
  }
  return plans;
}

Index batch_rows(Index n_rows) {
  constexpr Index least_rows = 256;
  return std::max(least_rows, n_rows / most_steps);
}

bool trains_apart(const StepRows& step, std::size_t n_models, bool is_linear) {
  constexpr Index largest_batch = 1024;  // with more, all ranks together are faster than a few
  constexpr Index most_rows = 8 * largest_batch;
  constexpr Index most_bytes = Index{16} << 20;
  const bool is_small = step.batch <= largest_batch && step.n_rows <= most_rows && step.n_bytes <= most_bytes;
  return is_small && (n_models > 1 || !is_linear);
}

Index bytes_of_rows(Index n_rows, Index n_features, Storage element) {
  constexpr Index usual_entries = 256;  // of a sparse row
  return n_rows * bytes_per(element) * (element == Storage::Sparse ? std::min(n_features, usual_entries) : n_features);
}

Oracle::Setup training_setup(const CrossFit& problem, Oracle::Setup setup) {
  const Index n = problem.n_rows(Level::Lower);
  const Index n_trusted = problem.n_rows(Level::Upper);
  setup.batch_lower = batch_rows(n);
  const Index per_pass = std::max<Index>(1, n / setup.batch_lower);
  const Index block = std::max<Index>(1, setup.block_rows / problem.n_parts(Level::Upper));
  const Index n_blocks = (n_trusted + block - 1) / block;
  setup.batch_upper = block * std::max<Index>(1, (n_blocks + per_pass / 2) / per_pass);  // whole blocks, to the nearest
  setup.placement = Placement::Sharded;
  setup.n_parts = {problem.n_parts(Level::Lower), problem.n_parts(Level::Upper)};
  return setup;
}

TrainedModels train(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x,
                    Real learning_rate, Index n_steps) {
  Models models(oracle, problem, plans, x, n_steps);
  std::vector<std::size_t> all(plans.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (models.stage(all, n_steps, learning_rate, Noise::Kept)) {
    models.hand_out(models.trained.y);
  }
  return std::move(models.trained);
}

Trial loss_out_of_fold(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  constexpr Index n_steps = 64;
  const ModelPlan judge{.training = {.fold = 0}, .trusted = problem.n_rows(Level::Upper) > 0};
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, {&judge, 1}, start, 3 * n_steps);
  const Real first_rate = stages_of(1, kind_of(problem)).front().rate;
  auto loss = models.stage({0}, n_steps, learning_rate * first_rate, Noise::AtTheEnd);
  if (loss) {
    loss = models.stage({0}, 2 * n_steps, learning_rate * std::min(1.0, 2 * first_rate), Noise::Followed);
  }
  require_not_stopped(models.trained.agreed);
  const bool is_finite = loss && std::isfinite(loss->doubtful);
  return {
      .loss = is_finite ? loss->doubtful * static_cast<Real>(problem.n_folds()) : std::numeric_limits<Real>::infinity(),
      .n_row_visits = models.trained.n_row_visits};
}

TrainedModels cross_fit(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  const std::vector<ModelPlan> plans = cross_fit_plans(problem);
  std::array<Group, 2> groups = groups_of(plans);
  auto& [of_all, of_trusted] = groups;
  const ModelKind kind = kind_of(problem);
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, plans, start, expected_steps(oracle.iterations_per_pass(), kind));
  TrainedModels best = models.trained;
  Index number = 0;
  for (const auto& [n_steps, rate] : stages_of(oracle.iterations_per_pass(), kind)) {
    constexpr Index n_certain = 2;
    if (number >= n_certain) {
      const auto scouts = of_active(groups, [](const Group& group) { return std::vector{group.scout}; });
      const auto gain = models.gain_of(scouts, n_steps, learning_rate * rate);
      if (!gain) {
        return std::move(models.trained);
      }
      of_all.is_active = gain->doubtful >= least_gain;
      of_trusted.is_active = of_trusted.is_active && gain->trusted >= least_gain;
      if (!of_all.is_active) {
        break;
      }
    }
    const auto active = of_active(groups, [](const Group& group) { return group.models; });
    const auto loss =
        models.stage(active, n_steps, learning_rate * rate, number == 0 ? Noise::AtTheEnd : Noise::Followed);
    if (!loss) {
      return std::move(models.trained);
    }
    for (Group& group : groups) {
      const Real now = &group == &of_all ? loss->doubtful : loss->trusted;
      group.is_active = group.is_active && now < group.loss;
      if (group.is_active) {
        group.loss = now;
        for (const std::size_t j : group.models) {
          best.y[j] = models.trained.y[j];
        }
      }
    }
    if (!of_all.is_active) {
      break;
    }
    best.x = models.trained.x;
    best.n_steps = models.trained.n_steps;
    ++number;
  }
  models.hand_out(best.y);
  best.n_row_visits = models.trained.n_row_visits;
  best.agreed = models.trained.agreed;
  return best;
}

}  // namespace meha
