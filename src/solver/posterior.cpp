// SPDX-License-Identifier: MIT
#include "meha/solver/posterior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model_weights.hpp"

namespace meha {
namespace {

constexpr Index most_rows_of_search = Index{1} << 14;  // for the weight of judges, which needs many rounds
constexpr Index n_rounds = 8;                          // of expectation maximisation, N being nearly right
constexpr Index n_rounds_anew = 25;                    // and from the start

/// The models' probabilities, mixed. [row][class]
std::vector<float> mixture(const LabelSample& sample, Index n_classes, const ModelWeights& weights) {
  const auto n = static_cast<std::size_t>(n_classes);
  std::vector<float> all(sample.labels.size() * n);
  std::vector<Real> judge(n);
  std::vector<Real> trusted(sample.n_models > 1 ? n : 0);
  std::vector<Real> q(n);
  const float* log_q = sample.log_q.data();
  for (std::size_t row = 0; row < sample.labels.size(); ++row) {
    std::copy_n(log_q, n, judge.begin());
    std::copy_n(log_q + n, trusted.size(), trusted.begin());
    log_q += n * static_cast<std::size_t>(sample.n_models);
    mix(weights.a, judge, weights.c, trusted, q);
    std::transform(q.begin(), q.end(), all.begin() + static_cast<std::ptrdiff_t>(row * n),
                   [](Real value) { return static_cast<float>(value); });
  }
  return all;
}

/// N by expectation maximisation, and how likely the given labels are at the end.
struct Fit {
  Vec transition, prior;
  Real log_likelihood = 0;  // mean
};

/// @param q  mixture()
Fit fit_transition(const Communicator& comm, const LabelSample& sample, Index n_classes, const std::vector<float>& q,
                   const Vec& start, Index rounds) {
  const Index n_counts = n_classes * n_classes;
  const auto n = static_cast<std::size_t>(n_classes);
  Fit fit{.transition = start, .prior = Vec::Zero(n_classes)};
  std::vector<Real> p(n);
  std::vector<Real> of_row(n);
  for (Index round = 0; round < rounds; ++round) {
    const Vec sums = mean_over(comm, sample, n_counts + 1, [&](Range rows, Vec& share) {
      for (auto row = static_cast<std::size_t>(rows.begin); row < static_cast<std::size_t>(rows.end); ++row) {
        const Label given = sample.labels[row];
        std::copy_n(q.begin() + static_cast<std::ptrdiff_t>(row * n), n, of_row.begin());
        share[n_counts] += std::log(posterior(of_row, as_span(std::as_const(fit.transition)), given, p));
        for (std::size_t k = 0; k < n; ++k) {
          share[static_cast<Index>(k * n) + given] += p[k];
        }
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
Real likeliest_weight(const Communicator& comm, const LabelSample& sample, Index n_classes, const Vec& transition) {
  Real best = 1;
  Real likeliest = -std::numeric_limits<Real>::infinity();
  for (const Real a : {0.33, 0.5, 0.67, 0.83, 1.0, 1.2, 1.45, 1.7, 2.0, 2.5, 3.0, 4.0}) {
    const Fit fit =
        fit_transition(comm, sample, n_classes, mixture(sample, n_classes, {.a = a}), transition, n_rounds_anew);
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
Real wrong_by_row(const Communicator& comm, const LabelSample& sample, Index n_classes, const std::vector<float>& q) {
  return mean_over(comm, sample, 1, [&](Range rows, Vec& share) {
    for (Index row = rows.begin; row < rows.end; ++row) {
      share[0] += 1 - Real{q[static_cast<std::size_t>(row * n_classes + sample.labels[static_cast<std::size_t>(row)])]};
    }
  })[0];
}

}  // namespace

LabelNoise estimate_noise(const Communicator& comm, CrossFit& problem, const Judges& judges, const Vec& transition) {
  const Index n_classes = problem.n_classes();
  LabelNoise noise{.n_classes = n_classes, .transition = {}, .prior = {}};
  const bool has_trusted = !judges.trusted_judges.empty();
  ModelWeights weights{
      .a = likeliest_weight(comm, read_sample(comm, problem, Level::Lower, judges.judges, {}, most_rows_of_search),
                            n_classes, transition)};
  if (has_trusted) {
    const LabelSample sample = read_sample(comm, problem, Level::Upper, judges.judges, judges.trusted_judges);
    const Real usual_a = weights.a;
    weights = weigh_models(comm, sample, n_classes, usual_a);
    noise.trusted_value = weights.loss;
    noise.by_row = is_by_row(comm, sample, n_classes, weights, usual_a);
    noise.trusted_noise_rate = weights.noise_rate;
  }
  const std::vector<InSpan> second = weights.c > 0 ? std::vector<InSpan>{judges.trusted} : std::vector<InSpan>();
  const LabelSample sample = read_sample(comm, problem, Level::Lower, judges.judges, second);
  const std::vector<float> q = mixture(sample, n_classes, weights);
  const Fit fit = fit_transition(comm, sample, n_classes, q, transition, has_trusted ? n_rounds : n_rounds_anew);
  if (noise.by_row) {
    noise.by_row = 2 * wrong_by_class(fit, n_classes) < wrong_by_row(comm, sample, n_classes, q);
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
  std::vector<Real> of_judge(n);
  std::vector<Real> of_trusted(noise.trusted_weight > 0 ? n : 0);
  comm.all_or_none([&] {
    problem.visit(Level::Lower, problem.own_blocks(Level::Lower), models, [&](Index row, Label given, InSpan q) {
      const std::size_t judge =
          judges.judges.size() == 1 ? 0 : static_cast<std::size_t>(problem.fold(Level::Lower, row));
      std::ranges::transform(q.subspan(judge * n, n), of_judge.begin(), log_probability);
      std::ranges::transform(q.last(of_trusted.size()), of_trusted.begin(), log_probability);
      see(row, posterior(noise, of_judge, of_trusted, given, work));
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
