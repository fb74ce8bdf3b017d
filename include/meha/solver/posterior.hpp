// SPDX-License-Identifier: MIT
// How sure it is that given labels are right: estimates the label noise (problem/label_noise) from models of the labels,
// then the posterior of every row.
//   Where rows are trusted, the weights a of the judges and c of the models of trusted rows alone minimise
//     Σ_v −log[(1−ρ) q_v(label_v) + ρ (1 − q_v(label_v))/(K−1)] + (a−1)² + c² + max(3, n_v/50)·[ρ > 0]
//   out of fold; a, c and the share ρ of wrong trusted labels on a grid, then on a finer one around its best. Noise is by
//   row where this mixture predicts trusted labels better than the judges alone, who have seen the trusted rows too, by 3 %
//   of their loss and by 4 nats in all.
//   Elsewhere a maximises Σ_i log Σ_k q_i(k) N[k][g_i] over a grid; of judges out of fold its square root is taken.
//   N: rounds of expectation maximisation, from N as it was trained, on some 2^16 doubtful rows, or
//   fewer where there are more than 2^8 classes.
#pragma once

#include "meha/comm/exact_sum.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/problem/label_noise.hpp"

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

/// The same, all at once. Collective. Errors: as estimate_noise().
std::vector<RowPosterior> posteriors(const Communicator& comm, CrossFit& problem, const Judges& judges,
                                     const LabelNoise& noise);

/// How well wrong labels are found, in memory that does not grow with the rows: noise_rate; where the truth is known also
/// detection_auroc (ties: p_correct alike in 2^16 even steps of its log-odds), detection_precision, detection_recall,
/// detection_f1 ("positive": a wrong label, p_correct < ½) and calibration_error:
///   Σ_b |Σ_{i∈b} (p_correct_i − [label i is right])| / n   over ten equal intervals b of p_correct
class Detection {
 public:
  /// Collective.
  Detection(const Communicator& comm, const CrossFit& problem);
  /// Rows owned here, in order, each once.
  void add(Index row, Real p_correct);
  /// On every rank, once all rows have been added. The same bits on any number of ranks. Collective.
  Metrics metrics();

 private:
  static constexpr Index n_bins = 10;
  static constexpr Index n_scores = Index{1} << 16;

  void end_block();

  const Communicator& comm_;
  DoubtfulLabels labels_;
  BlockPlan plan_;
  bool knows_truth_ = false;
  ExactSum sum_;
  Vec share_;                     // of the block at hand: by interval what p_correct is too much; then 1 − p_correct
  std::array<Index, 3> found_{};  // flagged and wrong; flagged; wrong
  std::vector<Index> scores_;     // rows by step of p_correct's log-odds: wrong, right
};

/// Of all rows at once. Collective.
Metrics detection_metrics(const Communicator& comm, const CrossFit& problem, std::span<const RowPosterior> rows);

}  // namespace meha
