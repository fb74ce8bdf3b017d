// SPDX-License-Identifier: MIT
#include "meha/solver/train_models.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "meha/problem/label_noise.hpp"

namespace meha {
namespace {

constexpr Index most_steps = 1500;  // unless a pass takes more
constexpr Index least_steps = 128;  // of a stage
constexpr Index n_updates_of_noise = 16;
constexpr Real least_gain = 5e-3;  // relative, of the loss out of fold in a stage

constexpr Real beta1 = 0.9;
constexpr Real beta2 = 0.999;
constexpr Real epsilon = 1e-8;

/// Compiled for several instruction sets, without fused operations: the same bits in all.
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void adam_step(const Real* __restrict gradient,
                                                                                   Index n, Real scale_m, Real scale_v,
                                                                                   Real* __restrict m,
                                                                                   Real* __restrict v,
                                                                                   Real* __restrict y) {
  for (Index i = 0; i < n; ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * gradient[i];
    v[i] = beta2 * v[i] + (1 - beta2) * gradient[i] * gradient[i];
    y[i] -= scale_m * m[i] / (std::sqrt(v[i] * scale_v) + epsilon);
  }
}

/// Adam's first and second moments of one vector (Kingma, Ba, ICLR 2015, Algorithm 1).
class Adam {
 public:
  explicit Adam(Index size) : m_(Vec::Zero(size)), v_(Vec::Zero(size)) {}

  /// y ← y − a·m̂/(√v̂ + ε). Products and square roots alone, so that it gives the same bits on every processor.
  void step(const Vec& gradient, Real a, Vec& y) {
    power1_ *= beta1;
    power2_ *= beta2;
    adam_step(gradient.data(), y.size(), a / (1 - power1_), 1 / (1 - power2_), m_.data(), v_.data(), y.data());
  }

 private:
  Vec m_, v_;
  Real power1_ = 1, power2_ = 1;  // β₁ and β₂ to the number of steps
};

/// What becomes of N in a stage. Models that know little yet would make a wrong one of it, which then misleads them.
enum class Noise { Kept, AtTheEnd, Followed };

/// Models in training, all from the classifier's start.
class Models {
 public:
  Models(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x)
      : oracle_(oracle), problem_(problem), plans_(plans.begin(), plans.end()) {
    trained.x.resize(problem.n_x());
    Vec start(problem.n_y());
    problem.start(trained.x, start);
    trained.x = x;
    trained.y.assign(plans.size(), start);
    adam_.assign(plans.size(), Adam(problem.n_y()));
  }

  /// Losses out of fold, each row's by the judge of its fold, over the number of doubtful rows, or of trusted ones:
  /// of the judges that are trained on all rows, and of those that are trained on trusted rows alone.
  struct Loss {
    Real doubtful = 0, trusted = 0;
  };
  /// Trains the models that `active` names. Collective.
  /// @return means over the last quarter of the steps, or over the last pass; nothing when it had to stop
  std::optional<Loss> stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate, Noise noise);

  TrainedModels trained;

 private:
  [[nodiscard]] bool is_judge(std::size_t j) const { return plans_[j].training.fold != Training::no_fold; }

  Oracle& oracle_;
  CrossFit& problem_;
  std::vector<ModelPlan> plans_;
  std::vector<Adam> adam_;  // of each model; every rank makes the same steps from the same sums
  Index step_ = 0;          // of all stages
};

/// a/2·(1 + cos(π t/T)) for t = 1 … T, computed on rank 0: processors may differ in the last bit of a cosine. Collective.
std::vector<Real> step_sizes(const Communicator& comm, Index n_steps, Real a) {
  std::vector<Real> sizes(static_cast<std::size_t>(n_steps));
  for (Index t = 1; t <= n_steps; ++t) {
    sizes[static_cast<std::size_t>(t - 1)] =
        a / 2 * (1 + std::cos(std::numbers::pi * static_cast<Real>(t) / static_cast<Real>(n_steps)));
  }
  comm.broadcast(OutSpan(sizes));
  return sizes;
}

std::optional<Models::Loss> Models::stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate,
                                          Noise noise) {
  const Real n_doubtful = static_cast<Real>(problem_.n_rows(Level::Lower));
  const Real n_trusted = static_cast<Real>(problem_.n_rows(Level::Upper));
  const Real factor = n_trusted / n_doubtful;
  std::array<std::vector<Training>, 2> trainings;
  for (const std::size_t j : active) {
    if (plans_[j].doubtful) {
      trainings[0].push_back(plans_[j].training);
    }
    if (plans_[j].trusted) {
      trainings[1].push_back(plans_[j].training);
    }
  }
  const std::array n_models = {static_cast<Index>(trainings[0].size()), static_cast<Index>(trainings[1].size())};
  problem_.set_trainings(std::move(trainings));
  const Index period = std::max<Index>(1, noise == Noise::AtTheEnd ? n_steps / 2 : n_steps / n_updates_of_noise);
  const Index n_measured = std::min(n_steps, std::max(n_steps / 4, oracle_.iterations_per_pass()));
  const std::vector<Real> step_size = step_sizes(oracle_.comm(), n_steps, learning_rate);
  Vec counts = Vec::Zero(problem_.n_x());
  Vec gradient;
  Loss loss;
  for (Index t = 1; t <= n_steps; ++t) {
    auto sweep = oracle_.sweep(trained.x, step_++);
    std::vector<const Result*> of_doubtful(active.size(), nullptr);
    std::vector<const Result*> of_trusted(active.size(), nullptr);
    for (std::size_t i = 0; i < active.size(); ++i) {
      const std::size_t j = active[i];
      if (plans_[j].doubtful) {
        const Want of_judge = is_judge(j) ? Want::Value | Want::GradX : Want::Nothing;
        of_doubtful[i] = &sweep.lower(trained.y[j], of_judge | Want::GradY);
      }
    }
    for (std::size_t i = 0; i < active.size(); ++i) {
      const std::size_t j = active[i];
      const Want of_judge = is_judge(j) ? Want::Value : Want::Nothing;
      if (plans_[j].trusted && plans_[j].doubtful) {
        of_trusted[i] = &sweep.add_upper(trained.y[j], of_judge | Want::GradY, factor, *of_doubtful[i]);
      } else if (plans_[j].trusted) {
        of_trusted[i] = &sweep.upper(trained.y[j], of_judge | Want::GradY);
      }
    }
    sweep.run();
    trained.agreed = oracle_.take_requests();
    if (trained.agreed.not_finite || trained.agreed.stop || trained.agreed.time_limit) {
      return std::nullopt;
    }
    {
      const Stopwatch watch(oracle_.timings.update, Stage::Update);
      for (std::size_t i = 0; i < active.size(); ++i) {
        const std::size_t j = active[i];
        const Result& sum = plans_[j].doubtful ? *of_doubtful[i] : *of_trusted[i];
        gradient = sum.grad_y + trained.y[j] / (plans_[j].doubtful ? n_doubtful : n_trusted);
        adam_[j].step(gradient, step_size[static_cast<std::size_t>(t - 1)], trained.y[j]);
        if (plans_[j].doubtful && is_judge(j)) {
          counts -= sum.grad_x;
        }
      }
    }
    if (noise != Noise::Kept && t % period == 0) {
      if (noise == Noise::Followed || t == 2 * period) {
        oracle_.on_root([&] { trained.x = transition_of(counts, problem_.n_classes()).array().log().matrix(); },
                        trained.x);
      }
      counts.setZero();
    }
    for (std::size_t i = 0; i < active.size(); ++i) {
      const std::size_t j = active[i];
      if (t > n_steps - n_measured && is_judge(j)) {
        if (plans_[j].doubtful) {
          loss.doubtful += of_doubtful[i]->value + (plans_[j].trusted ? factor * of_trusted[i]->value : 0);
        } else {
          loss.trusted += of_trusted[i]->value;
        }
      }
    }
    for (const Level level : {Level::Lower, Level::Upper}) {
      const Index n = n_models[static_cast<std::size_t>(level)];
      trained.n_row_visits += n > 0 ? n * oracle_.n_rows_in_step(level) : 0;
    }
  }
  return Loss{.doubtful = loss.doubtful / static_cast<Real>(n_measured),
              .trusted = loss.trusted / static_cast<Real>(n_measured)};
}

}  // namespace

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

Oracle::Setup training_setup(const CrossFit& problem, Oracle::Setup setup, Batch batch) {
  const Index n = problem.n_rows(Level::Lower);
  const Index n_trusted = problem.n_rows(Level::Upper);
  setup.batch_lower = std::max(static_cast<Index>(batch), n / most_steps);
  const Index per_pass = std::max<Index>(1, n / setup.batch_lower);
  setup.batch_upper = std::max<Index>(1, n_trusted / per_pass);
  setup.placement = Placement::Sharded;
  setup.n_parts = problem.n_parts();
  return setup;
}

TrainedModels train(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x,
                    Real learning_rate, Index n_steps) {
  Models models(oracle, problem, plans, x);
  std::vector<std::size_t> all(plans.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  models.stage(all, n_steps, learning_rate, Noise::Kept);
  models.trained.n_steps = n_steps;
  return std::move(models.trained);
}

Real loss_out_of_fold(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  const ModelPlan judge{.training = {.fold = 0}, .trusted = problem.n_rows(Level::Upper) > 0};
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, {&judge, 1}, start);
  auto loss = models.stage({0}, least_steps, learning_rate / 4, Noise::AtTheEnd);
  if (loss) {
    loss = models.stage({0}, 2 * least_steps, learning_rate / 2, Noise::Followed);
  }
  require_not_stopped(models.trained.agreed);
  return loss && std::isfinite(loss->doubtful) ? loss->doubtful * static_cast<Real>(problem.n_folds())
                                               : std::numeric_limits<Real>::infinity();
}

TrainedModels cross_fit(Oracle& oracle, CrossFit& problem, Real learning_rate) {
  const bool has_trusted = problem.n_rows(Level::Upper) > 0;
  std::vector<ModelPlan> plans;
  struct Group {
    std::vector<std::size_t> models;
    Real loss = std::numeric_limits<Real>::infinity();
    bool is_active = true;
  };
  std::array<Group, 2> groups;  // of all rows; of trusted rows alone
  for (const bool doubtful : {true, false}) {
    for (Index fold = 0; fold <= problem.n_folds() && (doubtful || has_trusted); ++fold) {
      groups[doubtful ? 0 : 1].models.push_back(plans.size());
      plans.push_back({.training = {.fold = fold < problem.n_folds() ? fold : Training::no_fold},
                       .doubtful = doubtful,
                       .trusted = has_trusted});
    }
  }
  groups[1].is_active = has_trusted;
  const Vec start = first_transition(problem.n_classes()).array().log().matrix();
  Models models(oracle, problem, plans, start);
  TrainedModels best = models.trained;
  const Index per_pass = oracle.iterations_per_pass();
  const Index most = std::max(most_steps, per_pass);
  Index total = 0;
  Real step_size = learning_rate / 4;
  for (Index length = std::clamp(2 * per_pass, least_steps, most); groups[0].is_active && total + length <= most;
       length *= 2) {
    std::vector<std::size_t> active;
    for (const Group& group : groups) {
      if (group.is_active) {
        active.insert(active.end(), group.models.begin(), group.models.end());
      }
    }
    const auto loss = models.stage(active, length, step_size, total == 0 ? Noise::AtTheEnd : Noise::Followed);
    step_size = std::min(2 * step_size, learning_rate);
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
  }
  best.n_row_visits = models.trained.n_row_visits;
  best.agreed = models.trained.agreed;
  return best;
}

}  // namespace meha
