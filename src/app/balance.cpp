// SPDX-License-Identifier: MIT
#include "meha/app/balance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <sstream>
#include <unistd.h>

namespace meha {
namespace {

constexpr std::size_t n_ranks_named = 4;
constexpr Real shortest_look_s = 2;

/// "2:1:1", one of each rank.
std::vector<Index> given_weights(const std::string& balance, int n_ranks) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ExitCode::Config, "comm.balance = " + toml(balance) + ": " + why);
  };
  std::vector<Index> weights;
  std::istringstream text(balance);
  for (std::string word; std::getline(text, word, ':');) {
    if (word.empty() || word.size() > 6 || word.find_first_not_of("0123456789") != std::string::npos) {
      refuse("must be \"measured\", \"even\", or weights below 10^6, one of each rank, like \"2:1:1\"");
    }
    weights.push_back(std::stoll(word));
  }
  if (std::ssize(weights) != n_ranks) {
    refuse("must have one weight of each of " + std::to_string(n_ranks) + " ranks");
  }
  if (std::accumulate(weights.begin(), weights.end(), Index{0}) == 0) {
    refuse("one weight must be > 0");
  }
  return weights;
}

bool are_equal(std::span<const Index> weights) {
  return std::all_of(weights.begin(), weights.end(), [&](Index weight) { return weight == weights[0]; });
}

/// Of a rank with these weights in an iteration. @param points  at which it visits each row of a level, of all its passes
Real work_of(Oracle& oracle, const Options& options, const std::array<Real, 2>& points, int rank,
             std::span<const Index> weights) {
  const auto rows = [&](Level level) {
    const BlockPlan plan{.n_rows = oracle.problem().n_rows(level), .block_rows = options.run.block_rows};
    return static_cast<Real>(owned_rows(plan, rank, weights).size());
  };
  const auto share = [&](Level level, Index batch) {
    const auto n = static_cast<Real>(std::max<Index>(1, oracle.problem().n_rows(level)));
    return (batch > 0 ? std::min<Real>(1, static_cast<Real>(batch) / n) : 1) * rows(level);
  };
  return points[0] * share(Level::Lower, options.algorithm.batch_lower) +
         points[1] * share(Level::Upper, options.algorithm.batch_upper);
}

/// Points at which each row of a level was visited, mean of iterations that this was counted in.
std::array<Real, 2> points_of(Oracle& oracle, const Counts& before, Real n_iterations) {
  std::array<Real, 2> points{};
  for (const Level level : {Level::Lower, Level::Upper}) {
    const auto at = static_cast<std::size_t>(level);
    const Index n_visits = oracle.counts.level[at].work - before.level[at].work;
    const Index n_rows = std::max<Index>(1, oracle.n_rows_in_step(level));
    points[at] = static_cast<Real>(n_visits) / (n_iterations * static_cast<Real>(n_rows));
  }
  return points;
}

/// Returns new weights for ranks that took `seconds` for `work` if the time saved until the end exceeds the noise (15 %) and
/// twice the cost of redistributing the rows; else nothing.
/// @param work_with  of a rank, with other weights     @param n_times  as much is still to be done
std::optional<std::vector<Index>> better_weights(std::span<const Real> work, std::span<const Real> seconds,
                                                 const std::function<Real(int, std::span<const Index>)>& work_with,
                                                 Real n_times, Real deal_s) {
  constexpr Real clear = 0.15, patience = 2, least_s = 2;
  std::vector<Real> speeds;
  for (std::size_t rank = 0; rank < work.size(); ++rank) {
    if (work[rank] > 0 && seconds[rank] > 0) {
      speeds.push_back(work[rank] / seconds[rank]);
    }
  }
  if (speeds.size() < work.size()) {
    return std::nullopt;  // of a rank without rows nothing is known
  }
  const auto weights = weights_of(speeds);
  const Real now = *std::max_element(seconds.begin(), seconds.end());
  Real then = 0;
  for (std::size_t rank = 0; rank < work.size(); ++rank) {
    then = std::max(then, work_with(static_cast<int>(rank), weights) / speeds[rank]);
  }
  const Real saved_s = (now - then) * n_times;
  const bool worth = now - then > clear * now && saved_s > patience * deal_s + least_s;
  return worth ? std::optional(weights) : std::nullopt;
}

}  // namespace

Balance::Balance(Communicator& comm, const Options& options)
    : comm_(comm),
      options_(options),
      measures_(options.comm.balance == "measured" && comm.size() > 1 && options.comm.sum == "exact") {}

void Balance::begin_deal() {
  deal_began_ = Clock::now();
  ++n_deals_;
  if (!next_weights_.empty()) {
    comm_.set_weights(next_weights_);
  } else if (options_.comm.balance != "measured" && options_.comm.balance != "even") {
    comm_.set_weights(given_weights(options_.comm.balance, comm_.size()));
  }
}

void Balance::end_deal() {
  deal_s_ = std::chrono::duration<Real>(Clock::now() - deal_began_).count();
  first_iteration_ = -1;
}

bool Balance::is_worth_a_deal(Oracle& oracle, Index iteration, Index n_iterations) {
  if (!measures_ || (first_iteration_ >= 0 && iteration < next_look_)) {
    return false;
  }
  if (first_iteration_ < 0) {  // the first iteration touches memory for the first time: not looked at
    first_iteration_ = looked_at_ = iteration;
    next_look_ = iteration + 1;
    compute_s_ = oracle.timings.compute;
    counts_ = oracle.counts;
    return false;
  }
  next_look_ = first_iteration_ + 2 * (iteration - first_iteration_);
  struct Look {
    Real seconds, work, deal_s;
  };
  const auto n_looked_at = static_cast<Real>(iteration - looked_at_);
  const auto points = points_of(oracle, counts_, n_looked_at);
  const Look mine{.seconds = oracle.timings.compute - compute_s_,
                  .work = work_of(oracle, options_, points, comm_.rank(), comm_.weights()),
                  .deal_s = deal_s_};
  looked_at_ = iteration;
  compute_s_ = oracle.timings.compute;
  counts_ = oracle.counts;
  std::vector<Real> work;
  std::vector<Real> seconds;
  const auto looks = comm_.gather_all(std::span<const Look>(&mine, 1));
  for (const Look& look : looks) {
    work.push_back(look.work);
    seconds.push_back(look.seconds);
  }
  const Real deal_s = looks[0].deal_s;
  const Real enough_s = std::max(shortest_look_s, deal_s) * std::exp2(n_deals_ - 1);  // so that all deals take little
  if (*std::max_element(seconds.begin(), seconds.end()) < enough_s) {
    return false;
  }
  const auto better = better_weights(
      work, seconds, [&](int rank, auto weights) { return work_of(oracle, options_, points, rank, weights); },
      static_cast<Real>(n_iterations - iteration) / n_looked_at, deal_s);
  next_weights_ = better.value_or(std::vector<Index>());
  return better.has_value();
}

std::string Balance::sentence() const {
  const auto weights = comm_.weights();
  if (are_equal(weights)) {
    return {};
  }
  std::array<char, 64> host{};
  gethostname(host.data(), host.size() - 1);
  const auto hosts = comm_.gather_all(std::span<const std::array<char, 64>>(&host, 1));
  std::vector<Index> sorted(weights.begin(), weights.end());
  std::sort(sorted.begin(), sorted.end());
  const Index usual = sorted[sorted.size() / 2];
  const auto total = static_cast<Real>(std::accumulate(weights.begin(), weights.end(), Index{0}));
  std::vector<std::size_t> others;
  for (std::size_t rank = 0; rank < weights.size(); ++rank) {
    if (weights[rank] != usual) {
      others.push_back(rank);
    }
  }
  std::stable_sort(others.begin(), others.end(), [&](std::size_t a, std::size_t b) { return weights[a] < weights[b]; });
  std::string text = "rows by speed:";
  for (std::size_t i = 0; i < std::min(others.size(), n_ranks_named); ++i) {
    const auto weight = static_cast<Real>(weights[others[i]]);
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(), "%s rank %zu (%s) has %.2g of the usual speed and %.3g %% of the rows",
                  i > 0 ? ";" : "", others[i], hosts[others[i]].data(), weight / static_cast<Real>(usual),
                  100 * weight / total);
    text += line.data();
  }
  return text + (others.size() > n_ranks_named
                     ? "; and so on for " + std::to_string(others.size() - n_ranks_named) + " more ranks"
                     : "");
}

}  // namespace meha
