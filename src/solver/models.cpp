// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meha/problem/label_noise.hpp"

namespace meha {
namespace {

constexpr Index least_period = 12;  // steps from one update of N to the next

constexpr Real beta1 = 0.9;
constexpr Real beta2 = 0.999;
constexpr Real epsilon = 1e-8;

/// Compiled for several instruction sets, without fused operations: the same bits in all. @param n_rows  the prior is y/n_rows
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) void adam_step(const Real* __restrict loss_gradient,
                                                                                   Index n, Real n_rows, Real scale_m,
                                                                                   Real scale_v, Real* __restrict m,
                                                                                   Real* __restrict v,
                                                                                   Real* __restrict y) {
  for (Index i = 0; i < n; ++i) {
    const Real gradient = loss_gradient[i] + y[i] / n_rows;
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    y[i] -= scale_m * m[i] / (std::sqrt(v[i] * scale_v) + epsilon);
  }
}

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

}  // namespace

void Adam::step(const Vec& gradient, Real n_rows, Real a, Vec& y) {
  power1_ *= beta1;
  power2_ *= beta2;
  const Real scale_m = a / (1 - power1_);
  const Real scale_v = 1 / (1 - power2_);
  const Index n = y.size() - n_biases_;
  adam_step(gradient.data(), n, n_rows, scale_m, scale_v, m_.data(), v_.data(), y.data());
  adam_step(gradient.data() + n, n_biases_, n_rows * bias_ * bias_, scale_m * bias_, scale_v, m_.data() + n,
            v_.data() + n, y.data() + n);
}

Models::Models(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x)
    : oracle_(oracle),
      problem_(problem),
      plans_(plans.begin(), plans.end()),
      n_doubtful_(static_cast<Real>(problem.n_rows(Level::Lower))),
      n_trusted_(static_cast<Real>(problem.n_rows(Level::Upper))) {
  trained.x.resize(problem.n_x());
  Vec start(problem.n_y());
  problem.start(trained.x, start);
  trained.x = x;
  trained.y.assign(plans.size(), start);
  const Adam adam = problem.is_linear()
                        ? Adam(problem.n_y(), problem.n_classes(), most_few_features / few_features(problem))
                        : Adam(problem.n_y());
  adam_.assign(plans.size(), adam);
}

std::optional<Models::Loss> Models::stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate,
                                          Noise noise) {
  const Index visits_of_step = set_trainings(active);
  const Index n_updates = noise == Noise::AtTheEnd ? 2 : problem_.is_linear() ? 32 : 16;
  const Index period = std::max({n_steps / n_updates, std::min(n_steps / 2, least_period), Index{1}});
  const Index n_measured = std::min(n_steps, std::max(n_steps / 4, oracle_.iterations_per_pass()));
  const std::vector<Real> step_size = step_sizes(oracle_.comm(), n_steps, learning_rate);
  counts_ = Vec::Zero(problem_.n_x());
  Loss loss;
  for (Index t = 1; t <= n_steps; ++t) {
    auto sweep = oracle_.sweep(trained.x, step_++);
    const Sums sums = ask(sweep, active);
    sweep.run();
    trained.agreed = oracle_.take_requests();
    if (trained.agreed.not_finite || trained.agreed.stop || trained.agreed.time_limit) {
      return std::nullopt;
    }
    step(active, sums, step_size[static_cast<std::size_t>(t - 1)]);
    if (noise != Noise::Kept && t % period == 0) {
      if (noise == Noise::Followed || t == 2 * period) {
        follow_noise();
      }
      counts_.setZero();
    }
    if (t > n_steps - n_measured) {
      add_losses(active, sums, loss);
    }
    trained.n_row_visits += visits_of_step;
  }
  return Loss{.doubtful = loss.doubtful / static_cast<Real>(n_measured),
              .trusted = loss.trusted / static_cast<Real>(n_measured)};
}

Index Models::set_trainings(const std::vector<std::size_t>& active) {
  std::array<std::vector<Training>, 2> trainings;
  for (const std::size_t j : active) {
    if (plans_[j].doubtful) {
      trainings[0].push_back(plans_[j].training);
    }
    if (plans_[j].trusted) {
      trainings[1].push_back(plans_[j].training);
    }
  }
  Index n_visits = 0;
  for (const Level level : {Level::Lower, Level::Upper}) {
    const auto n = static_cast<Index>(trainings[static_cast<std::size_t>(level)].size());
    n_visits += n > 0 ? n * oracle_.n_rows_in_step(level) : 0;
  }
  problem_.set_trainings(std::move(trainings));
  return n_visits;
}

Models::Sums Models::ask(Sweep& sweep, const std::vector<std::size_t>& active) {
  Sums sums{.doubtful = std::vector<const Result*>(active.size(), nullptr),
            .trusted = std::vector<const Result*>(active.size(), nullptr)};
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::size_t j = active[i];
    if (plans_[j].doubtful) {
      const Want of_judge = is_judge(j) ? Want::Value | Want::GradX : Want::Nothing;
      sums.doubtful[i] = &sweep.lower(trained.y[j], of_judge | Want::GradY);
    }
  }
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::size_t j = active[i];
    const Want of_judge = is_judge(j) ? Want::Value : Want::Nothing;
    if (plans_[j].trusted && plans_[j].doubtful) {
      sums.trusted[i] =
          &sweep.add_upper(trained.y[j], of_judge | Want::GradY, n_trusted_ / n_doubtful_, *sums.doubtful[i]);
    } else if (plans_[j].trusted) {
      sums.trusted[i] = &sweep.upper(trained.y[j], of_judge | Want::GradY);
    }
  }
  return sums;
}

void Models::step(const std::vector<std::size_t>& active, const Sums& sums, Real size) {
  const Stopwatch watch(oracle_.timings.update, Stage::Update);
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::size_t j = active[i];
    const Result& sum = plans_[j].doubtful ? *sums.doubtful[i] : *sums.trusted[i];
    adam_[j].step(sum.grad_y, plans_[j].doubtful ? n_doubtful_ : n_trusted_, size, trained.y[j]);
    if (plans_[j].doubtful && is_judge(j)) {
      counts_ -= sum.grad_x;
    }
  }
}

void Models::follow_noise() {
  oracle_.on_root([&] { trained.x = transition_of(counts_, problem_.n_classes()).array().log().matrix(); }, trained.x);
}

void Models::add_losses(const std::vector<std::size_t>& active, const Sums& sums, Loss& loss) const {
  const Real factor = n_trusted_ / n_doubtful_;
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::size_t j = active[i];
    if (!is_judge(j)) {
      continue;
    }
    if (plans_[j].doubtful) {
      loss.doubtful += sums.doubtful[i]->value + (plans_[j].trusted ? factor * sums.trusted[i]->value : 0);
    } else {
      loss.trusted += sums.trusted[i]->value;
    }
  }
}

}  // namespace meha
