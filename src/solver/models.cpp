// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <tuple>

#include "meha/comm/exact_sum.hpp"
#include "meha/problem/label_noise.hpp"

namespace meha {
namespace {

constexpr Index least_period = 12;  // steps from one update of N to the next

/// Means of features over some thousand doubtful rows, by exact sums; empty where features are not centred, or too large for
/// that. Collective. Errors: Error(Data), on all ranks, where rows cannot be read.
Vec feature_means(const Communicator& comm, CrossFit& problem) {
  constexpr Index enough_rows = 8192;
  const RowSet& rows = problem.rows().of(Level::Lower);
  if (!problem.is_centred()) {
    return {};
  }
  const Index stride = std::max<Index>(1, rows.plan().n_rows / enough_rows);
  const std::vector<Index> blocks = problem.own_blocks(Level::Lower, stride);
  Vec sums(rows.n_features());
  Index n_rows = 0;
  ExactSum message(ExactSum::Kind::Exact);
  message.reset(sums.size(), rows.plan().n_blocks() / stride + 1);
  comm.all_or_none([&] {
    rows.expect(blocks);
    for (const Index block : blocks) {
      sums.setZero();
      problem.add_features(Level::Lower, block, as_span(sums));
      message.add(0, as_span(std::as_const(sums)), 1 / static_cast<Real>(rows.plan().block_rows), 0);
      n_rows += rows.plan().rows(block).size();
    }
    if (const auto failure = rows.failure()) {
      throw Error(*failure);
    }
  });
  message.allreduce(comm);
  if (message.raised(ExactSum::Flag::NotFinite)) {
    return {};
  }
  comm.sum({&n_rows, 1});
  message.read(0, 0, as_span(sums));
  return sums * (static_cast<Real>(rows.plan().block_rows) / static_cast<Real>(n_rows));
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

/// 0, 1, … n − 1.
std::vector<std::size_t> all_of(std::size_t n) {
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace

Models::Models(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans, const Vec& x, Index n_expected)
    : oracle_(oracle),
      problem_(problem),
      plans_(plans.begin(), plans.end()),
      n_doubtful_(static_cast<Real>(problem.n_rows(Level::Lower))),
      n_trusted_(static_cast<Real>(problem.n_rows(Level::Upper))),
      gradients_(make_model_gradients(oracle, problem, plans)),
      means_(feature_means(oracle.comm(), problem)),
      judges_(plans.size()),
      n_expected_(n_expected * visits_of_step(all_of(plans.size()))) {
  trained.x.resize(problem.n_x());
  Vec start(problem.n_y());
  problem.start(trained.x, start);
  trained.x = x;
  for (std::size_t j = 0; j < plans.size(); ++j) {
    const Index size = gradients_->steps(j) ? problem.n_y() : 0;
    trained.y.push_back(start.head(size));
    adam_.push_back(problem.is_linear()
                        ? Adam(size, {.n = problem.n_classes(), .feature = most_few_features / few_features(problem)})
                        : Adam(size, problem.first_layer(), means_));
  }
}

std::optional<Models::Loss> Models::stage(const std::vector<std::size_t>& active, Index n_steps, Real learning_rate,
                                          Noise noise) {
  const Index n_updates = noise == Noise::AtTheEnd ? 2 : problem_.is_linear() ? 32 : 16;
  const Index period = std::max({n_steps / n_updates, std::min(n_steps / 2, least_period), Index{1}});
  n_measured_ = std::min(n_steps, std::max(n_steps / 4, oracle_.iterations_per_pass()));
  const std::vector<Real> step_size = step_sizes(oracle_.comm(), n_steps, learning_rate);
  gradients_->use(active);
  judges_.assign(plans_.size(), {});
  for (const std::size_t j : active) {
    if (plans_[j].doubtful && is_judge(j) && gradients_->answers_for(j)) {
      judges_[j].counts = Vec::Zero(problem_.n_x());
    }
  }
  for (Index t = 1; t <= n_steps; ++t) {
    trained.agreed = gradients_->take(step_++, trained.x, trained.y);
    if (trained.agreed.not_finite || trained.agreed.stop || trained.agreed.time_limit) {
      return std::nullopt;
    }
    step(active, step_size[static_cast<std::size_t>(t - 1)], t > n_steps - n_measured_);
    if (noise != Noise::Kept && t % period == 0) {
      if ((noise == Noise::Followed || t == 2 * period) && !follow_noise()) {
        return std::nullopt;
      }
      for (OfJudge& judge : judges_) {
        judge.counts.setZero();
      }
    }
    trained.n_row_visits += visits_of_step(active);
    if (oracle_.progress) {
      oracle_.progress(std::min<Real>(1, static_cast<Real>(trained.n_row_visits) / static_cast<Real>(n_expected_)));
    }
  }
  trained.n_steps += n_steps;
  return losses(active);
}

std::optional<Models::Loss> Models::gain_of(const std::vector<std::size_t>& judges, Index n_steps, Real learning_rate) {
  const auto before = losses(judges);
  const Index first_step = step_;
  const Index n_steps_before = trained.n_steps;
  std::vector<std::pair<Vec, Adam>> kept;
  for (const std::size_t j : judges) {
    kept.emplace_back(trained.y[j], adam_[j]);
  }
  const auto after = before ? stage(judges, n_steps, learning_rate, Noise::Kept) : std::nullopt;
  for (std::size_t i = 0; i < judges.size(); ++i) {
    std::tie(trained.y[judges[i]], adam_[judges[i]]) = std::move(kept[i]);
  }
  step_ = first_step;
  trained.n_steps = n_steps_before;
  if (!after) {
    return std::nullopt;
  }
  return Loss{.doubtful = 1 - after->doubtful / before->doubtful, .trusted = 1 - after->trusted / before->trusted};
}

Index Models::visits_of_step(const std::vector<std::size_t>& models) const {
  Index n_visits = 0;
  for (const std::size_t j : models) {
    n_visits += (plans_[j].doubtful ? oracle_.n_rows_in_step(Level::Lower) : 0) +
                (plans_[j].trusted ? oracle_.n_rows_in_step(Level::Upper) : 0);
  }
  return n_visits;
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

std::optional<Models::Loss> Models::losses(const std::vector<std::size_t>& models) {
  std::vector<std::array<Real, 2>> by_judge;
  for (const std::size_t j : models) {
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
  const auto n = static_cast<Real>(n_measured_);
  return Loss{.doubtful = all[0] / n, .trusted = all[1] / n};
}

}  // namespace meha
