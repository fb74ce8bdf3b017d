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
constexpr Index least_steps = 128;  // of a stage of linear models; of others half of it
constexpr Real least_gain = 0.03;   // relative, of the loss out of fold in a stage

/// Steps of each stage of cross_fit().
std::vector<Index> stages_of(Index per_pass, bool is_linear) {
  const Index most = std::max(most_steps, per_pass);
  Index length = is_linear ? std::clamp(2 * per_pass, least_steps, most) : std::clamp(per_pass, least_steps / 2, most);
  std::vector<Index> lengths = {length};
  Index left = most - length;
  if (is_linear && left >= 2 * length) {
    lengths.push_back(std::min(3 * length, left));
  }
  while (!is_linear && left >= 2 * length) {
    length *= 2;
    left -= length;
    lengths.push_back(length);
  }
  return lengths;
}

}  // namespace

Real few_features(const CrossFit& problem) {
  return std::clamp(784 / static_cast<Real>(problem.rows().n_features()), 1.0, most_few_features);
}

void require_not_stopped(const Requests& agreed) {
  if (agreed.stop || agreed.time_limit) {
    throw Error(ExitCode::Stopped, std::string(agreed.stop ? "asked to stop" : "run.time_limit_s reached") +
                                       " while fitting the models that the run starts from: nothing was begun");
  }
}

Index usual_steps(Oracle& oracle) {
  constexpr Index n_passes = 6;
  constexpr Index least = 384;
  constexpr Index most = 1000;
  const Index per_pass = oracle.iterations_per_pass();
  return std::max(std::clamp(n_passes * per_pass, least, most), per_pass);
}

Index expected_steps(Index per_pass, bool is_linear) {
  constexpr std::size_t usual_stages = 3;
  const std::vector<Index> stages = stages_of(per_pass, is_linear);
  return std::accumulate(stages.begin(), stages.begin() + std::min(stages.size(), usual_stages), Index{0});
}

Index steps_of_refit(Oracle& oracle, bool is_linear, Index n_steps) {
  const Index usual = usual_steps(oracle);
  return std::min(n_steps, is_linear ? usual : 2 * usual);  // perceptrons' judges went on while that helped
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

Index batch_rows(Batch batch, Index n_rows) {
  return std::max(static_cast<Index>(batch), n_rows / most_steps);
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

Oracle::Setup training_setup(const CrossFit& problem, Oracle::Setup setup, Batch batch) {
  const Index n = problem.n_rows(Level::Lower);
  const Index n_trusted = problem.n_rows(Level::Upper);
  setup.batch_lower = batch_rows(batch, n);
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
  models.trained.n_steps = n_steps;
  return std::move(models.trained);
}

Trial loss_out_of_fold(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  const ModelPlan judge{.training = {.fold = 0}, .trusted = problem.n_rows(Level::Upper) > 0};
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, {&judge, 1}, start, 3 * least_steps);
  auto loss = models.stage({0}, least_steps, learning_rate / 4, Noise::AtTheEnd);
  if (loss) {
    loss = models.stage({0}, 2 * least_steps, learning_rate / 2, Noise::Followed);
  }
  require_not_stopped(models.trained.agreed);
  const bool is_finite = loss && std::isfinite(loss->doubtful);
  return {
      .loss = is_finite ? loss->doubtful * static_cast<Real>(problem.n_folds()) : std::numeric_limits<Real>::infinity(),
      .n_row_visits = models.trained.n_row_visits};
}

TrainedModels cross_fit(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  const std::vector<ModelPlan> plans = cross_fit_plans(problem);
  struct Group {
    std::vector<std::size_t> models;
    Real loss = std::numeric_limits<Real>::infinity();
    bool is_active = true;
  };
  std::array<Group, 2> groups;  // of all rows; of trusted rows alone
  for (std::size_t j = 0; j < plans.size(); ++j) {
    groups[plans[j].doubtful ? 0 : 1].models.push_back(j);
  }
  groups[1].is_active = !groups[1].models.empty();
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, plans, start, expected_steps(oracle.iterations_per_pass(), problem.is_linear()));
  TrainedModels best = models.trained;
  const std::vector<Index> lengths = stages_of(oracle.iterations_per_pass(), problem.is_linear());
  Index total = 0;
  for (const Index length : lengths) {
    std::vector<std::size_t> active;
    for (const Group& group : groups) {
      if (group.is_active) {
        active.insert(active.end(), group.models.begin(), group.models.end());
      }
    }
    const Real times_first = static_cast<Real>(length) / static_cast<Real>(lengths.front());
    const auto loss = models.stage(active, length, learning_rate * std::min(times_first / 4, 1.0),
                                   total == 0 ? Noise::AtTheEnd : Noise::Followed);
    if (!loss) {
      return std::move(models.trained);
    }
    total += length;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Group& group = groups[g];
      const Real now = g == 0 ? loss->doubtful : loss->trusted;
      if (group.is_active && now < group.loss) {
        for (const std::size_t j : group.models) {
          best.y[j] = models.trained.y[j];
        }
        if (g == 0) {
          best.x = models.trained.x;
          best.n_steps = total;
        }
      }
      group.is_active = group.is_active && (now < group.loss * (1 - least_gain));
      group.loss = std::min(group.loss, now);
    }
    if (!groups[0].is_active) {
      break;
    }
  }
  models.hand_out(best.y);
  best.n_row_visits = models.trained.n_row_visits;
  best.agreed = models.trained.agreed;
  return best;
}

}  // namespace meha
