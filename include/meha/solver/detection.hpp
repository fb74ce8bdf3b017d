// SPDX-License-Identifier: MIT
// How well wrong labels are found: metrics of p_correct, against the true labels where these are known.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "meha/comm/exact_sum.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/problem/label_noise.hpp"

namespace meha {

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
  const SampleLabels& labels_;
  BlockPlan plan_;
  bool knows_truth_ = false;
  ExactSum sum_;
  Vec share_;                     // of the block at hand: by interval what p_correct is too much; then 1 − p_correct
  std::array<Index, 3> found_{};  // flagged and wrong; flagged; wrong
  std::vector<Index> scores_;     // rows by step of p_correct's log-odds: wrong, right
};

/// Returns the metrics of all rows at once. Collective.
Metrics detection_metrics(const Communicator& comm, const CrossFit& problem, std::span<const RowPosterior> rows);

}  // namespace meha
