// SPDX-License-Identifier: MIT
// Hyper-cleaning: one weight per training row, learnt so that a model trained with them does well on clean rows.
//   F(y)   = (1/n_val) Σ_j ℓ_j(y)                          over the clean validation rows; without such rows over those
//                                                          training rows whose labels are surest, which the start finds
//   f(x,y) = (1/n) Σ_i σ(x_i) ℓ_i(y) + r‖y‖²,  g = 0      over the training rows, σ(x) = 1/(1 + e^-x)
//   ∂f/∂x_i = σ'(x_i) ℓ_i(y)/n,   ∇_y f = (1/n) Σ σ(x_i) ∇ℓ_i(y) + 2r·y,   X = ℝⁿ, x⁰ = 0
//   (∇²_xy f·v)_i = σ'(x_i) ⟨∇ℓ_i(y), v⟩/n,   ∇²_yy f·v = (1/n) Σ σ(x_i) ∇²ℓ_i(y)·v + 2r·v
// ℓ is the cross-entropy [nats] of a classifier with parameters y. A row counts as clean when σ(x_i) ≥ ½.
// Source: Liu, Liu, Yao, Zeng, Zhang, ICML 2024, arXiv 2405.09927, section 4 (data hyper-cleaning).
#pragma once

#include "meha/problem/cross_fit.hpp"

namespace meha {

inline constexpr std::array weight_metrics = {
    MetricInfo{"precision", "share of truly clean rows among those kept (weight >= 1/2)"},
    MetricInfo{"recall", "share of the truly clean rows that are kept"},
    MetricInfo{"f1", "harmonic mean of precision and recall"},
    MetricInfo{"auroc", "probability that a clean row has a larger weight than a corrupted one"},
    MetricInfo{"rows_kept", "training rows with weight >= 1/2"}};

/// Precision, recall and F1 of predicting "clean" (weight ≥ ½), absent where 0/0.
void set_cleaning_metrics(Real clean_kept, Real corrupted_kept, Real clean_dropped, Metrics& metrics);

/// The matrix of which class is taken for which has n_classes² numbers, of which a run holds several copies.
/// Errors: Error(Data) above CrossFit::most_classes.
void require_few_classes(Index n_classes);

class HyperCleaning final : public ClassifierProblem, public OwnMetrics, public DoubtfulLabels {
 public:
  /// Loads and splits the data on rank 0 and deals out the rows. Collective.
  /// Errors: as load_split(), on all ranks.
  HyperCleaning(const Options& options, const Communicator& comm, Simd simd);

  [[nodiscard]] XLayout x_layout() const override { return XLayout::PerRow; }
  [[nodiscard]] Index n_x() const override { return rows_.n_rows(Level::Lower); }
  void start(Out x, Out y) const override;
  void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
           const BetweenHalves& between) override;
  void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const override;
  [[nodiscard]] bool has_whole(Level level) const override { return level == Level::Lower && regularisation_ != 0; }
  [[nodiscard]] bool has_products() const override { return true; }
  [[nodiscard]] bool has_g() const override { return false; }
  [[nodiscard]] bool takes_old_x() const override { return true; }

  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  [[nodiscard]] Index n_tallies() const override { return n_tally; }
  void tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies) override;
  void measure(InSpan tallies, In x, In y, Metrics& metrics) const override;

  [[nodiscard]] DoubtfulLabels* doubtful_labels() override { return this; }
  [[nodiscard]] CrossFit& cross_fit() override { return *cross_fit_; }
  [[nodiscard]] bool trusts_surest() const override { return trusts_surest_; }
  void trust(std::vector<std::uint8_t> rows, Index n_in_all) override;

 private:
  enum Tally : std::size_t { CleanKept = ClassifiedRows::n_tally, CorruptedKept, CleanDropped, Kept, n_tally };

  [[nodiscard]] Level stored(Level level) const override {
    return level == Level::Upper && trusts_surest_ ? Level::Lower : level;
  }
  [[nodiscard]] const RowSet& train() const { return rows_.of(Level::Lower); }

  std::string init_;
  Index seed_;
  Real regularisation_;
  void (*sigmoid_)(const Real* x, std::int64_t n, Real* s);
  SampleLabels samples_;
  std::vector<Real> weights_ = std::vector<Real>(tile_rows);  // of a tile's rows
  std::vector<Real> old_weights_;                             // the same before the step of x
  std::unique_ptr<CrossFit> cross_fit_;
  bool trusts_surest_ = false;        // no rows are trusted beforehand: the upper level is some of the training rows
  std::vector<std::uint8_t> surest_;  // which of those owned here
  Real surest_weight_ = 0;            // n / (how many on all ranks)
};

}  // namespace meha
