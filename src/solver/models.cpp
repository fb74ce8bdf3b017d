// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "meha/problem/label_noise.hpp"

namespace meha {
namespace {

constexpr Index least_period = 12;  // steps from one update of N to the next

constexpr Real beta1 = 0.9;
constexpr Real beta2 = 0.999;
constexpr Real epsilon = 1e-8;

/// Compiled for several instruction sets, without fused operations: the same bits in all. @param n_rows  the prior is y/n_rows
/// @return whether y is finite
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) bool adam_step(const Real* __restrict loss_gradient,
                                                                                   Index n, Real n_rows, Real scale_m,
                                                                                   Real scale_v, Real* __restrict m,
                                                                                   Real* __restrict v,
                                                                                   Real* __restrict y) {
  constexpr Real largest = std::numeric_limits<Real>::max();
  std::uint64_t any_beyond = 0;
  for (Index i = 0; i < n; ++i) {
    const Real gradient = loss_gradient[i] + y[i] / n_rows;
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    y[i] -= scale_m * m[i] / (std::sqrt(v[i] * scale_v) + epsilon);
    any_beyond |= std::fabs(y[i]) <= largest ? 0U : 1U;
  }
  return any_beyond == 0;
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

void Adam::begin_step() {
  power1_ *= beta1;
  power2_ *= beta2;
}

bool Adam::step(Index first, InSpan gradient, Real n_rows, Real a, Vec& y) {
  const Real scale_m = a / (1 - power1_);
  const Real scale_v = 1 / (1 - power2_);
  const auto n = static_cast<Index>(gradient.size());
  const Index n_before = std::clamp(y.size() - n_biases_ - first, Index{0}, n);  // entries before the biases
  const auto of = [&](Index begin, Index end, Real bias) {
    const Index at = first + begin;
    return adam_step(gradient.data() + begin, end - begin, n_rows * bias * bias, scale_m * bias, scale_v,
                     m_.data() + at, v_.data() + at, y.data() + at);
  };
  const bool is_finite = of(0, n_before, 1);
  return of(n_before, n, bias_) && is_finite;
}

Models::Models(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x, Index n_expected)
    : oracle_(oracle),
      problem_(problem),
      plans_(plans.begin(), plans.end()),
      n_doubtful_(static_cast<Real>(problem.n_rows(Level::Lower))),
      n_trusted_(static_cast<Real>(problem.n_rows(Level::Upper))),
      gradients_(make_model_gradients(oracle, problem, plans)),
      judges_(plans.size()),
      n_expected_(n_expected) {
  trained.x.resize(problem.n_x());
  Vec start(problem.n_y());
  problem.start(trained.x, start);
  trained.x = x;
  for (std::size_t j = 0; j < plans.size(); ++j) {
    const Index size = gradients_->steps(j) ? problem.n_y() : 0;
    trained.y.push_back(start.head(size));
    adam_.push_back(problem.is_linear() && size > 0
                        ? Adam(size, problem.n_classes(), most_few_features / few_features(problem))
                        : Adam(size));
  }
}

std::optional<Models::Loss> Models::stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate,
                                          Noise noise) {
  const Index n_updates = noise == Noise::AtTheEnd ? 2 : problem_.is_linear() ? 32 : 16;
  const Index period = std::max({n_steps / n_updates, std::min(n_steps / 2, least_period), Index{1}});
  const Index n_measured = std::min(n_steps, std::max(n_steps / 4, oracle_.iterations_per_pass()));
  const std::vector<Real> step_size = step_sizes(oracle_.comm(), n_steps, learning_rate);
  gradients_->use(active);
  judges_.assign(plans_.size(), {});
  Index visits_of_step = 0;
  for (const std::size_t j : active) {
    visits_of_step += (plans_[j].doubtful ? oracle_.n_rows_in_step(Level::Lower) : 0) +
                      (plans_[j].trusted ? oracle_.n_rows_in_step(Level::Upper) : 0);
    if (plans_[j].doubtful && is_judge(j) && gradients_->answers_for(j)) {
      judges_[j].counts = Vec::Zero(problem_.n_x());
    }
  }
  for (Index t = 1; t <= n_steps; ++t) {
    trained.agreed = gradients_->take(step_++, trained.x, trained.y);
    if (trained.agreed.not_finite || trained.agreed.stop || trained.agreed.time_limit) {
      return std::nullopt;
    }
    step(active, step_size[static_cast<std::size_t>(t - 1)], t > n_steps - n_measured);
    if (noise != Noise::Kept && t % period == 0) {
      if ((noise == Noise::Followed || t == 2 * period) && !follow_noise()) {
        return std::nullopt;
      }
      for (OfJudge& judge : judges_) {
        judge.counts.setZero();
      }
    }
    trained.n_row_visits += visits_of_step;
    if (oracle_.progress) {
      oracle_.progress(std::min<Real>(1, static_cast<Real>(step_) / static_cast<Real>(n_expected_)));
    }
  }
  return losses(n_measured);
}

void Models::step(const std::vector<std::size_t>& active, Real size, bool is_measured) {
  const Stopwatch watch(oracle_.timings.update, Stage::Update);
  const Real factor = n_trusted_ / n_doubtful_;
  for (const std::size_t j : active) {
    if (!gradients_->steps(j)) {
      continue;
    }
    const ModelSums sums = gradients_->of(j);
    const Real n_rows = plans_[j].doubtful ? n_doubtful_ : n_trusted_;
    adam_[j].begin_step();
    gradients_->take_gradient(j, [&](Index first, InSpan gradient) {
      if (!adam_[j].step(first, gradient, n_rows, size, trained.y[j])) {
        gradients_->raise_not_finite();
      }
    });
    OfJudge& judge = judges_[j];
    if (sums.grad_x != nullptr && judge.counts.size() > 0) {
      judge.counts -= *sums.grad_x;
    }
    if (is_measured && is_judge(j)) {
      judge.loss += plans_[j].doubtful ? sums.doubtful + (plans_[j].trusted ? factor * sums.trusted : 0) : sums.trusted;
    }
  }
}

/// Sets N by what judges have counted. Collective. @return whether the counts are finite
bool Models::follow_noise() {
  std::vector<InSpan> counts;
  for (const OfJudge& judge : judges_) {
    if (judge.counts.size() > 0) {
      counts.push_back(as_span(judge.counts));
    }
  }
  Vec all(problem_.n_x());
  trained.agreed.not_finite = !gradients_->sum(counts, as_span(all));
  oracle_.on_root([&] { trained.x = transition_of(all, problem_.n_classes()).array().log().matrix(); }, trained.x);
  return !trained.agreed.not_finite;
}

std::optional<Models::Loss> Models::losses(Index n_measured) {
  std::vector<std::array<Real, 2>> by_judge;
  for (std::size_t j = 0; j < plans_.size(); ++j) {
    if (is_judge(j) && gradients_->answers_for(j)) {
      by_judge.push_back({plans_[j].doubtful ? judges_[j].loss : 0, plans_[j].doubtful ? 0 : judges_[j].loss});
    }
  }
  const std::vector<InSpan> mine(by_judge.begin(), by_judge.end());
  std::array<Real, 2> all{};
  trained.agreed.not_finite = !gradients_->sum(mine, all);
  if (trained.agreed.not_finite) {
    return std::nullopt;
  }
  const auto n = static_cast<Real>(n_measured);
  return Loss{.doubtful = all[0] / n, .trusted = all[1] / n};
}

}  // namespace meha
