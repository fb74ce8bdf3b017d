// SPDX-License-Identifier: MIT
#include "meha/app/balance.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <sstream>
#include <unistd.h>

#include "meha/problem/kernel_trial.hpp"

namespace meha {
namespace {

constexpr Real short_round_s = 0.01;
constexpr Real long_round_s = 0.03;  // some time slices of a processor that is shared with others
constexpr Index n_short_rounds = 3, n_long_rounds = 9;
constexpr std::size_t n_ranks_named = 4;

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

/// A model of the run's kind and precision, on images of a common size.
class Trial {
 public:
  Trial(const Options& options, Simd simd)
      : classifier_(make_classifier(model_of(options.problem), shape, options.run.precision, simd)),
        kernels_(*classifier_, shape) {}

  /// Medians over rounds that all ranks begin together, of every rank [rows/s]. Collective.
  std::vector<Real> speeds(const Communicator& comm, Index n_rounds, Real round_s) {
    std::vector<Real> mine;
    for (Index round = 0; round < n_rounds; ++round) {
      (void)comm.min(0);
      mine.push_back(1 / kernels_.seconds_per_row(2, round_s));
    }
    const auto middle = mine.begin() + n_rounds / 2;
    std::nth_element(mine.begin(), middle, mine.end());
    return comm.gather_all(std::span<const Real>(&*middle, 1));
  }

 private:
  static constexpr ClassifierShape shape{.n_features = 784, .n_classes = 10};
  static ProblemOptions model_of(const ProblemOptions& asked) {
    ProblemOptions model;
    const bool is_classifier = asked.type == "hyper_cleaning" || asked.type == "regularisation";
    model.model = is_classifier ? asked.model : model.model;
    return model;
  }

  std::unique_ptr<Classifier> classifier_;
  KernelTrial kernels_;
};

bool are_equal(std::span<const Index> weights) {
  return std::all_of(weights.begin(), weights.end(), [&](Index weight) { return weight == weights[0]; });
}

std::vector<Index> measured_weights(const Communicator& comm, const Options& options, Simd simd) {
  Trial trial(options, simd);
  auto weights = weights_of(trial.speeds(comm, n_short_rounds, short_round_s));
  if (!are_equal(weights)) {
    weights = weights_of(trial.speeds(comm, n_long_rounds, long_round_s));
  }
  return weights;
}

/// The ranks whose weight is furthest from that of most. Collective.
std::string sentence(const Communicator& comm) {
  const auto weights = comm.weights();
  std::array<char, 64> host{};
  gethostname(host.data(), host.size() - 1);
  const auto hosts = comm.gather_all(std::span<const std::array<char, 64>>(&host, 1));
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

}  // namespace

std::string share_rows(Communicator& comm, const Options& options, Simd simd) {
  const std::string& balance = options.comm.balance;
  const bool measures = balance == "measured";
  if (balance == "even" || (measures && (comm.size() == 1 || options.comm.sum == "plain"))) {
    return {};
  }
  comm.set_weights(measures ? measured_weights(comm, options, simd) : given_weights(balance, comm.size()));
  return are_equal(comm.weights()) ? "" : sentence(comm);
}

}  // namespace meha
