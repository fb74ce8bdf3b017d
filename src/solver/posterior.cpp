// SPDX-License-Identifier: MIT
// Long, because the weights of models, N and the posterior share their sample of rows.
#include "meha/solver/posterior.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "meha/comm/exact_sum.hpp"

namespace meha {
namespace {

constexpr Index most_sample_rows = Index{1} << 16;
constexpr Index most_rows_of_search = Index{1} << 14;  // for the weight of judges, which needs many rounds
constexpr Index most_sample_numbers = Index{1} << 24;  // of a sample: rows times classes
constexpr Index n_rounds = 8;                          // of expectation maximisation, N being nearly right
constexpr Index n_rounds_anew = 25;                    // and from the start

/// Log-probabilities of some rows that this rank owns: of the judge of a row's fold, then of the models of trusted rows.
struct Sample {
  Index n_rows_in_all = 0;  // on all ranks
  Index n_models = 1;
  std::vector<Label> labels;
  std::vector<Index> block_end;  // where the rows of each block end
  std::vector<float> log_q;      // [row][model][class]
};

/// @param second  "trusted" by fold, or one for all; empty: none    @param at_most  rows, roughly
Sample read_sample(const Communicator& comm, CrossFit& problem, Level level, const std::vector<InSpan>& judges,
                   const std::vector<InSpan>& second, Index at_most = most_sample_rows) {
  const RowSet& rows = problem.rows().of(level);
  const auto n = static_cast<std::size_t>(problem.n_classes());
  Sample sample{.n_models = second.empty() ? 1 : 2, .labels = {}, .block_end = {}, .log_q = {}};
  std::vector<InSpan> models = judges;
  models.insert(models.end(), second.begin(), second.end());
  const auto model_of = [&](const std::vector<InSpan>& by_fold, Index fold) {
    return by_fold.size() == 1 ? std::size_t{0} : static_cast<std::size_t>(fold);
  };
  comm.all_or_none([&] {
    const Index most_rows = std::min(at_most, most_sample_numbers / problem.n_classes());
    const Index stride = std::max<Index>(1, rows.plan().n_rows / most_rows);
    problem.visit(level, problem.own_blocks(level, stride), models, [&](Index row, Label label, InSpan log_q) {
      if (sample.labels.empty() || row % rows.plan().block_rows == 0) {
        sample.block_end.push_back(0);
      }
      sample.labels.push_back(label);
      sample.block_end.back() = static_cast<Index>(sample.labels.size());
      const Index fold = problem.fold(level, row);
      const auto take = [&](std::size_t model) {
        const InSpan of_model = log_q.subspan(model * n, n);
        sample.log_q.insert(sample.log_q.end(), of_model.begin(), of_model.end());
      };
      take(model_of(judges, fold));
      if (!second.empty()) {
        take(judges.size() + model_of(second, fold));
      }
    });
  });
  sample.n_rows_in_all = static_cast<Index>(sample.labels.size());
  comm.sum({&sample.n_rows_in_all, 1});
  return sample;
}

/// Means over the rows of a sample on all ranks: `add(row, judge, trusted, share)` adds a row's numbers. Collective.
template <class Add>
Vec mean_over(const Communicator& comm, const Sample& sample, Index n_classes, Index n_values, Add&& add) {
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(n_values, std::max<Index>(1, sample.n_rows_in_all));
  const int exponent = 0;
  const auto n = static_cast<std::size_t>(n_classes);
  const Real mean = 1 / static_cast<Real>(std::max<Index>(1, sample.n_rows_in_all));
  Vec share(n_values);
  std::vector<Real> judge(n);
  std::vector<Real> trusted(sample.n_models > 1 ? n : 0);
  Index row = 0;
  for (const Index end : sample.block_end) {
    share.setZero();
    for (; row < end; ++row) {
      const float* log_q = sample.log_q.data() + static_cast<std::size_t>(row * sample.n_models) * n;
      std::copy_n(log_q, n, judge.begin());
      std::copy_n(log_q + n, trusted.size(), trusted.begin());
      add(sample.labels[static_cast<std::size_t>(row)], judge, trusted, share);
    }
    share *= mean;
    sum.add(0, as_span(std::as_const(share)), 1, exponent);
  }
  sum.allreduce(comm);
  Vec total(n_values);
  sum.read(0, exponent, as_span(total));
  return total;
}

/// Shares of wrong labels among the trusted rows that are tried.
constexpr std::array noise_rates = {0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6};

struct Weights {
  Real a = 1, c = 0;
  Real noise_rate = 0;  // of trusted rows: ρ
  Real loss = 0;        // mean of −log P(label)
};

/// The weights of a grid, and the ρ, with the least mean of −log P(label) plus the penalties; a wrong label is any other
/// class alike: P(label) = (1 − ρ)·q(label) + ρ·(1 − q(label))/(K − 1). Collective.
/// @param usual_a  from which a is not far unless the labels say so
Weights best_weights(const Communicator& comm, const Sample& sample, Index n_classes, const std::vector<Weights>& grid,
                     Real usual_a) {
  // nats: right labels must not seem wrong by chance, nor because some rows are hard
  const Real price_of_noise = std::max(3.0, 0.02 * static_cast<Real>(sample.n_rows_in_all));
  const std::size_t n_rates = n_classes > 1 ? noise_rates.size() : 1;
  std::vector<Real> q(static_cast<std::size_t>(n_classes));
  const Vec losses = mean_over(comm, sample, n_classes, static_cast<Index>(grid.size() * n_rates),
                               [&](Label label, InSpan judge, InSpan trusted, Vec& share) {
                                 for (std::size_t i = 0; i < grid.size(); ++i) {
                                   mix(grid[i].a, judge, grid[i].c, trusted, q);
                                   const Real right = q[static_cast<std::size_t>(label)];
                                   const Real other = (1 - right) / std::max(1.0, static_cast<Real>(n_classes - 1));
                                   for (std::size_t r = 0; r < n_rates; ++r) {
                                     const Real given = (1 - noise_rates[r]) * right + noise_rates[r] * other;
                                     share[static_cast<Index>(i * n_rates + r)] -= std::log(std::max(given, 1e-30));
                                   }
                                 }
                               });
  Weights best;
  Real least = std::numeric_limits<Real>::infinity();
  for (std::size_t i = 0; i < grid.size(); ++i) {
    for (std::size_t r = 0; r < n_rates; ++r) {
      const Real a = grid[i].a;
      const Real c = grid[i].c;
      const Real loss = losses[static_cast<Index>(i * n_rates + r)];
      const Real total = loss * static_cast<Real>(sample.n_rows_in_all) + (a - usual_a) * (a - usual_a) + c * c +
                         (noise_rates[r] > 0 ? price_of_noise : 0);
      if (total < least) {
        least = total;
        best = {.a = a, .c = c, .noise_rate = noise_rates[r], .loss = loss};
      }
    }
  }
  return best;
}

Weights weigh_models(const Communicator& comm, const Sample& sample, Index n_classes, Real usual_a) {
  std::vector<Weights> grid;
  for (int i = 0; i <= 16; ++i) {
    for (int j = 0; j <= 6; ++j) {
      if (i + j > 0) {
        grid.push_back({.a = 0.25 * i, .c = 0.25 * j});
      }
    }
  }
  const Weights coarse = best_weights(comm, sample, n_classes, grid, usual_a);
  grid.clear();
  for (int i = -4; i <= 4; ++i) {
    for (int j = -4; j <= 4; ++j) {
      const Weights near{.a = std::max(0.0, coarse.a + 0.05 * i), .c = std::max(0.0, coarse.c + 0.05 * j)};
      if (near.a + near.c > 0) {
        grid.push_back(near);
      }
    }
  }
  return best_weights(comm, sample, n_classes, grid, usual_a);
}

/// Whether models of the trusted rows alone know something of these rows' labels that models of all rows, which have seen
/// the trusted rows too, do not: more than chance and the mean of two models would have it. Then given labels do not arise
/// from classes alone, and models of all rows have learnt to predict wrong labels. Collective.
/// @param weights  of judges and models of trusted rows together
bool is_by_row(const Communicator& comm, const Sample& sample, Index n_classes, const Weights& weights, Real usual_a) {
  constexpr Real least_gain = 6;  // nats
  constexpr Real least_share = 0.02;
  std::vector<Weights> grid;
  for (int i = 1; i <= 35; ++i) {
    grid.push_back({.a = 0.1 * i, .c = 0});
  }
  const Real judges = best_weights(comm, sample, n_classes, grid, usual_a).loss;
  const Real gain = judges - weights.loss;
  return gain * static_cast<Real>(sample.n_rows_in_all) > least_gain && gain > least_share * judges;
}

/// N by expectation maximisation, and how likely the given labels are at the end.
struct Fit {
  Vec transition, prior;
  Real log_likelihood = 0;  // mean
};

Fit fit_transition(const Communicator& comm, const Sample& sample, Index n_classes, const Weights& weights,
                   const Vec& start, Index rounds) {
  const Index n_counts = n_classes * n_classes;
  const auto n = static_cast<std::size_t>(n_classes);
  Fit fit{.transition = start, .prior = Vec::Zero(n_classes)};
  std::vector<Real> q(n);
  std::vector<Real> p(n);
  for (Index round = 0; round < rounds; ++round) {
    const Vec sums =
        mean_over(comm, sample, n_classes, n_counts + 1, [&](Label given, InSpan judge, InSpan trusted, Vec& share) {
          mix(weights.a, judge, weights.c, trusted, q);
          share[n_counts] += std::log(posterior(q, as_span(fit.transition), given, p));
          for (std::size_t k = 0; k < n; ++k) {
            share[static_cast<Index>(k * n) + given] += p[k];
          }
        });
    const Vec counts = sums.head(n_counts);
    fit.transition = transition_of(counts, n_classes);
    fit.log_likelihood = sums[n_counts];
    for (Index k = 0; k < n_classes; ++k) {
      Real total = 0;
      for (Index g = 0; g < n_classes; ++g) {
        total += counts[k * n_classes + g];
      }
      fit.prior[k] = total;
    }
  }
  return fit;
}

/// The weight of judges that makes the given labels likeliest. Collective.
Real likeliest_weight(const Communicator& comm, const Sample& sample, Index n_classes, const Vec& transition) {
  Real best = 1;
  Real likeliest = -std::numeric_limits<Real>::infinity();
  for (const Real a : {0.33, 0.5, 0.67, 0.83, 1.0, 1.2, 1.45, 1.7, 2.0, 2.5, 3.0, 4.0}) {
    const Fit fit = fit_transition(comm, sample, n_classes, {.a = a, .c = 0}, transition, n_rounds_anew);
    if (fit.log_likelihood > likeliest) {
      likeliest = fit.log_likelihood;
      best = a;
    }
  }
  return best;
}

/// The share of wrong labels that N knows of.
Real wrong_by_class(const Fit& fit, Index n_classes) {
  Real wrong = 1;
  for (Index k = 0; k < n_classes; ++k) {
    wrong -= fit.prior[k] * fit.transition[k * n_classes + k];
  }
  return wrong;
}

/// The share that models find wrong by themselves. Collective.
Real wrong_by_row(const Communicator& comm, const Sample& sample, Index n_classes, const Weights& weights) {
  std::vector<Real> q(static_cast<std::size_t>(n_classes));
  return mean_over(comm, sample, n_classes, 1, [&](Label given, InSpan judge, InSpan trusted, Vec& share) {
    mix(weights.a, judge, weights.c, trusted, q);
    share[0] += 1 - q[static_cast<std::size_t>(given)];
  })[0];
}

}  // namespace

LabelNoise estimate_noise(const Communicator& comm, CrossFit& problem, const Judges& judges, const Vec& transition) {
  const Index n_classes = problem.n_classes();
  LabelNoise noise{.n_classes = n_classes, .transition = {}, .prior = {}};
  const bool has_trusted = !judges.trusted_judges.empty();
  Weights weights{
      .a = likeliest_weight(comm, read_sample(comm, problem, Level::Lower, judges.judges, {}, most_rows_of_search),
                            n_classes, transition)};
  if (has_trusted) {
    const Sample sample = read_sample(comm, problem, Level::Upper, judges.judges, judges.trusted_judges);
    const Real usual_a = weights.a;
    weights = weigh_models(comm, sample, n_classes, usual_a);
    noise.trusted_value = weights.loss;
    noise.by_row = is_by_row(comm, sample, n_classes, weights, usual_a);
    noise.trusted_noise_rate = weights.noise_rate;
  }
  const std::vector<InSpan> second = weights.c > 0 ? std::vector<InSpan>{judges.trusted} : std::vector<InSpan>();
  const Sample sample = read_sample(comm, problem, Level::Lower, judges.judges, second);
  const Fit fit =
      fit_transition(comm, sample, n_classes, {weights}, transition, has_trusted ? n_rounds : n_rounds_anew);
  if (noise.by_row) {
    noise.by_row = 2 * wrong_by_class(fit, n_classes) < wrong_by_row(comm, sample, n_classes, weights);
  }
  if (noise.by_row) {
    weights.a /= 2;
    weights.c += weights.a;
  }
  noise.transition = fit.transition;
  noise.prior = fit.prior;
  noise.judge_weight = weights.a;
  noise.trusted_weight = weights.c;
  return noise;
}

void visit_posteriors(const Communicator& comm, CrossFit& problem, const Judges& judges, const LabelNoise& noise,
                      const std::function<void(Index row, const RowPosterior& posterior)>& see) {
  const auto n = static_cast<std::size_t>(problem.n_classes());
  std::vector<InSpan> models = judges.judges;
  if (noise.trusted_weight > 0) {
    models.push_back(judges.trusted);
  }
  std::vector<Real> work(2 * n);
  comm.all_or_none([&] {
    problem.visit(Level::Lower, problem.own_blocks(Level::Lower), models, [&](Index row, Label given, InSpan log_q) {
      const std::size_t judge =
          judges.judges.size() == 1 ? 0 : static_cast<std::size_t>(problem.fold(Level::Lower, row));
      const InSpan trusted = noise.trusted_weight > 0 ? log_q.last(n) : InSpan();
      see(row, posterior(noise, log_q.subspan(judge * n, n), trusted, given, work));
    });
  });
}

std::vector<RowPosterior> posteriors(const Communicator& comm, CrossFit& problem, const Judges& judges,
                                     const LabelNoise& noise) {
  const Range own = problem.labels().rows;
  std::vector<RowPosterior> result(static_cast<std::size_t>(own.size()));
  visit_posteriors(comm, problem, judges, noise, [&](Index row, const RowPosterior& posterior) {
    result[static_cast<std::size_t>(row - own.begin)] = posterior;
  });
  return result;
}

}  // namespace meha
