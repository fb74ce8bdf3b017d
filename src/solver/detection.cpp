// SPDX-License-Identifier: MIT
#include "meha/solver/detection.hpp"

#include <algorithm>
#include <cmath>

namespace meha {

Detection::Detection(const Communicator& comm, const CrossFit& problem)
    : comm_(comm),
      labels_(problem.labels()),
      plan_(problem.rows().of(Level::Lower).plan()),
      sum_(ExactSum::Kind::Exact) {
  knows_truth_ = comm.min(labels_.truth.size() == labels_.given.size() ? 1 : 0) == 1;
  sum_.reset(n_bins + 1, plan_.n_blocks());
  share_ = Vec::Zero(n_bins + 1);
  scores_.resize(knows_truth_ ? 2 * n_scores : 0);
}

void Detection::add(Index row, Real p) {
  const Real p_correct = std::fmin(std::fmax(p, 0.0), 1.0);
  if (row % plan_.block_rows == 0) {
    end_block();
  }
  const Real n = static_cast<Real>(plan_.n_rows);
  share_[n_bins] += (1 - p_correct) / n;
  if (!knows_truth_) {
    return;
  }
  const auto at = static_cast<std::size_t>(row - labels_.rows.begin);
  const bool is_right = labels_.given[at] == labels_.truth[at];
  const auto bin = std::min(static_cast<Index>(p_correct * static_cast<Real>(n_bins)), n_bins - 1);
  share_[bin] += (p_correct - (is_right ? 1 : 0)) / n;
  found_[0] += p_correct < 0.5 && !is_right ? 1 : 0;
  found_[1] += p_correct < 0.5 ? 1 : 0;
  found_[2] += is_right ? 0 : 1;
  constexpr Real widest = 37;  // log-odds beyond which doubles do not tell p_correct from 0 or 1
  const Real odds = std::clamp(std::log(p_correct) - std::log1p(-p_correct), -widest, widest);
  const auto score = static_cast<Index>((odds + widest) / (2 * widest) * static_cast<Real>(n_scores - 1));
  ++scores_[static_cast<std::size_t>(2 * score + (is_right ? 1 : 0))];
}

void Detection::end_block() {
  sum_.add(0, as_span(std::as_const(share_)), 1, 0);
  share_.setZero();
}

Metrics Detection::metrics() {
  end_block();
  sum_.allreduce(comm_);
  comm_.sum(found_);
  comm_.sum(scores_);
  Vec totals(n_bins + 1);
  sum_.read(0, 0, as_span(totals));
  Metrics metrics;
  metrics.set("noise_rate", totals[n_bins]);
  if (!knows_truth_) {
    return metrics;
  }
  Real wins = 0;  // pairs in which the wrong label has the smaller score; ties count half
  Real n_wrong = 0;
  Real n_right = 0;
  for (std::size_t score = 0; score < scores_.size(); score += 2) {
    const auto wrong = static_cast<Real>(scores_[score]);
    const auto right = static_cast<Real>(scores_[score + 1]);
    wins += right * (n_wrong + wrong / 2);
    n_wrong += wrong;
    n_right += right;
  }
  if (n_wrong > 0 && n_right > 0) {
    metrics.set("detection_auroc", wins / (n_wrong * n_right));
  }
  const auto ratio = [&](const char* name, Index part, Index whole) {
    if (whole > 0) {
      metrics.set(name, static_cast<Real>(part) / static_cast<Real>(whole));
    }
  };
  ratio("detection_precision", found_[0], found_[1]);
  ratio("detection_recall", found_[0], found_[2]);
  ratio("detection_f1", 2 * found_[0], found_[1] + found_[2]);
  metrics.set("calibration_error", totals.head(n_bins).cwiseAbs().sum());
  return metrics;
}

Metrics detection_metrics(const Communicator& comm, const CrossFit& problem, std::span<const RowPosterior> rows) {
  Detection detection(comm, problem);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    detection.add(problem.labels().rows.begin + static_cast<Index>(i), rows[i].p_correct);
  }
  return detection.metrics();
}

}  // namespace meha
