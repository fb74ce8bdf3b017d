// SPDX-License-Identifier: MIT
// How sure it is that given labels are right: estimates the label noise (problem/label_noise) from models of the labels,
// then the posterior of every row.
//   The weight of the judges is the â that maximises Σ_i log Σ_k q_i(k)^a N[k][g_i]/Z_i over a grid, of some 2^14 doubtful
//   rows. Where rows are trusted, the weights a of the judges and c of the models of trusted rows alone minimise
//     Σ_v −log[(1−ρ) q_v(label_v) + ρ (1 − q_v(label_v))/(K−1)] + (a−â)² + c² + max(3, n_v/50)·[ρ > 0]
//   out of fold; a, c and the share ρ of wrong trusted labels on a grid, then on a finer one around its best. Noise is by
//   row where this mixture predicts trusted labels better than the judges alone, who have seen the trusted rows too, by 2 %
//   of their loss and by 6 nats in all, and finds twice as many labels wrong as N knows of; half of a is then given to c, as
//   judges have learnt to predict the given labels.
//   N: rounds of expectation maximisation, from N as it was trained, on some 2^16 doubtful rows, or
//   fewer where there are more than 2^7 classes.
#pragma once

#include "meha/problem/cross_fit.hpp"
#include "meha/problem/label_noise.hpp"
#include "meha/solver/detection.hpp"

namespace meha {

/// Models y whose probabilities are compared and mixed.
struct Judges {
  std::vector<InSpan> judges;               // by fold; a single one: it judges all rows
  InSpan trusted = {};                      // of trusted rows alone; empty: none
  std::vector<InSpan> trusted_judges = {};  // of trusted rows alone, by fold; empty: no trusted rows to compare with
};

/// @param transition  (n_classes²) where N begins     Collective. The same bits on any number of ranks.
/// Errors: Error(Data) when rows cannot be read, on all ranks.
LabelNoise estimate_noise(const Communicator& comm, CrossFit& problem, const Judges& judges, const Vec& transition);

/// Calls see(row, posterior) for the doubtful rows that this rank owns, in order. Collective. Errors: as estimate_noise().
void visit_posteriors(const Communicator& comm, CrossFit& problem, const Judges& judges, const LabelNoise& noise,
                      const std::function<void(Index row, const RowPosterior& posterior)>& see);

/// Returns the posteriors of these rows, in order. Collective. Errors: as estimate_noise().
std::vector<RowPosterior> posteriors(const Communicator& comm, CrossFit& problem, const Judges& judges,
                                     const LabelNoise& noise);

}  // namespace meha
