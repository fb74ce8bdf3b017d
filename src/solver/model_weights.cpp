// SPDX-License-Identifier: MIT
#include "model_weights.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

namespace meha {
namespace {

/// Shares of wrong labels among the trusted rows that are tried.
constexpr std::array noise_rates = {0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6};

/// Weights that are tried: all pairs of these but a = c = 0.
struct Grid {
  std::vector<Real> a, c;
};

/// powers[i·n + k] ← e^{exponents[i]·log_q[k]}, above 0: log_q ≥ −70 and exponents below 5.
void raise(const std::vector<Real>& exponents, const float* log_q, std::size_t n, std::vector<Real>& powers) {
  powers.resize(exponents.size() * n);
  for (std::size_t i = 0; i < exponents.size(); ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      powers[i * n + k] = exponents[i] == 0 ? 1 : std::exp(exponents[i] * static_cast<Real>(log_q[k]));
    }
  }
}

/// For every pair (a, c) of the grid and every ρ: the mean of −log P(label); a wrong label is any other class alike:
///   P(label) = (1 − ρ)·q(label) + ρ·(1 − q(label))/(K − 1),   q ∝ judge^a·trusted^c.     [(a·n_c + c)·n_rates + ρ]. Collective.
Vec losses_of_weights(const Communicator& comm, const LabelSample& sample, Index n_classes, const Grid& grid,
                      std::span<const Real> rates) {
  constexpr Index rows_of_a_logarithm = 8;  // products of so many probabilities of at least 1e-30
  const auto n = static_cast<std::size_t>(n_classes);
  const auto n_values = grid.a.size() * grid.c.size() * rates.size();
  const Real share_of_other = 1 / std::max(1.0, static_cast<Real>(n_classes - 1));
  std::vector<Real> of_judge;
  std::vector<Real> of_trusted;
  std::vector<Real> products(n_values);
  return mean_over(comm, sample, static_cast<Index>(n_values), [&](Range rows, Vec& share) {
    std::fill(products.begin(), products.end(), 1);
    for (Index row = rows.begin; row < rows.end; ++row) {
      const float* const log_q = sample.log_q.data() + static_cast<std::size_t>(row * sample.n_models) * n;
      raise(grid.a, log_q, n, of_judge);
      raise(grid.c, log_q + (sample.n_models > 1 ? n : 0), n, of_trusted);
      const auto label = static_cast<std::size_t>(sample.labels[static_cast<std::size_t>(row)]);
      Real* product = products.data();
      for (std::size_t i = 0; i < grid.a.size(); ++i) {
        for (std::size_t j = 0; j < grid.c.size(); ++j) {
          Real total = 0;
          for (std::size_t k = 0; k < n; ++k) {
            total += of_judge[i * n + k] * of_trusted[j * n + k];
          }
          const Real right = of_judge[i * n + label] * of_trusted[j * n + label] / total;
          const Real other = (1 - right) * share_of_other;
          for (const Real rate : rates) {
            *product++ *= std::max((1 - rate) * right + rate * other, 1e-30);
          }
        }
      }
      if ((row + 1 - rows.begin) % rows_of_a_logarithm == 0 || row + 1 == rows.end) {
        for (std::size_t value = 0; value < n_values; ++value) {
          share[static_cast<Index>(value)] -= std::log(std::exchange(products[value], 1));
        }
      }
    }
  });
}

/// The weights of a grid, and the ρ, with the least loss plus the penalties. Collective.
/// @param usual_a  from which a is not far unless the labels say so
ModelWeights best_weights(const Communicator& comm, const LabelSample& sample, Index n_classes, const Grid& grid,
                          Real usual_a) {
  // nats: right labels must not seem wrong by chance, nor because some rows are hard
  const Real price_of_noise = std::max(3.0, 0.02 * static_cast<Real>(sample.n_rows_in_all));
  const auto rates = std::span(noise_rates).first(n_classes > 1 ? noise_rates.size() : 1);
  const Vec losses = losses_of_weights(comm, sample, n_classes, grid, rates);
  ModelWeights best;
  Real least = std::numeric_limits<Real>::infinity();
  Index value = 0;
  for (const Real a : grid.a) {
    for (const Real c : grid.c) {
      for (const Real rate : rates) {
        const Real loss = losses[value++];
        const Real total = loss * static_cast<Real>(sample.n_rows_in_all) + (a - usual_a) * (a - usual_a) + c * c +
                           (rate > 0 ? price_of_noise : 0);
        if (a + c > 0 && total < least) {
          least = total;
          best = {.a = a, .c = c, .noise_rate = rate, .loss = loss};
        }
      }
    }
  }
  return best;
}

/// first, first + step, …: so many numbers, those below 0 made 0.
std::vector<Real> steps_from(Real first, Real step, int n) {
  std::vector<Real> all;
  for (int i = 0; i < n; ++i) {
    all.push_back(std::max(0.0, first + step * i));
  }
  return all;
}

}  // namespace

ModelWeights weigh_models(const Communicator& comm, const LabelSample& sample, Index n_classes, Real usual_a) {
  const Grid coarse{.a = steps_from(0, 0.25, 17), .c = steps_from(0, 0.25, 7)};
  const ModelWeights near = best_weights(comm, sample, n_classes, coarse, usual_a);
  const Grid fine{.a = steps_from(near.a - 0.2, 0.05, 9), .c = steps_from(near.c - 0.2, 0.05, 9)};
  return best_weights(comm, sample, n_classes, fine, usual_a);
}

bool is_by_row(const Communicator& comm, const LabelSample& sample, Index n_classes, const ModelWeights& weights,
               Real usual_a) {
  constexpr Real least_gain = 6;  // nats
  constexpr Real least_share = 0.02;
  const Grid grid{.a = steps_from(0.1, 0.1, 35), .c = {0}};
  const Real judges = best_weights(comm, sample, n_classes, grid, usual_a).loss;
  const Real gain = judges - weights.loss;
  return gain * static_cast<Real>(sample.n_rows_in_all) > least_gain && gain > least_share * judges;
}

}  // namespace meha
