// SPDX-License-Identifier: MIT
// What problems over a classifier's rows share: the training, validation, held-out and test rows that this rank owns, the
// model, a pass over tiles at the points of the pass (losses, then gradients and second-order products of weighted
// losses), and how good a model is on rows it was not trained on: its accuracy or mean square error on held-out and on
// test rows. A ClassifierProblem owns such rows and has y as the parameters of their model.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "meha/comm/communicator.hpp"
#include "meha/data/split.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/classifier.hpp"

namespace meha {

inline constexpr std::array row_metrics = {
    MetricInfo{"test_error", "squared error on test rows: their mean; group_lasso: relative to the targets' squares"},
    MetricInfo{"test_accuracy", "share of test rows that y classifies as labelled"},
    MetricInfo{"holdout_accuracy", "share of held-out rows that y classifies as labelled"},
    MetricInfo{"holdout_value", "mean loss of y on held-out rows"}};

class ClassifiedRows {
 public:
  /// Whether features that no row has keep their places in y (see features_in_use).
  enum class Keep { AllFeatures, FeaturesInUse };

  ClassifiedRows() = default;
  /// Deals out the rows and makes the model. @param split  on rank 0; ignored elsewhere. Collective.
  /// Errors: as make_classifier().
  ClassifiedRows(const Options& options, const Communicator& comm, Simd simd, const Split& split, Loss loss,
                 Keep keep = Keep::AllFeatures);

  /// Replaces the classifier by that of problem.model. Errors: as make_classifier(), or where memory is short, on
  /// all ranks. Collective.
  void use_model(const Options& options, const Communicator& comm, Simd simd);

  [[nodiscard]] const RowSet& of(Level level) const { return rows_[level]; }
  [[nodiscard]] RowSet& of(Level level) { return rows_[level]; }
  [[nodiscard]] Index n_rows(Level level) const { return of(level).plan().n_rows; }
  [[nodiscard]] Index n_features() const { return of(Level::Lower).n_features(); }
  [[nodiscard]] Index n_classes() const { return n_classes_; }  // Loss::Squared: 1
  /// Returns the numbers, in the files, of the features that y has parameters for; empty: all.
  [[nodiscard]] const std::vector<Index>& features_in_use() const { return features_in_use_; }
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] const std::string& columns_of_files() const { return columns_of_files_; }
  [[nodiscard]] Classifier& classifier() const { return *classifier_; }

  [[nodiscard]] std::string description() const;
  /// Returns what went wrong in reading rows that stay on disk.
  [[nodiscard]] std::optional<Error> failure() const;

  /// Returns how y is laid out in columns, one for each feature of sparse rows.
  [[nodiscard]] Columns columns() const;
  void mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const;
  /// @param columns  as for ColumnPasses::begin_pass_in(); none: all
  void begin_pass(std::span<const Probe> probes, std::span<const Index> columns = {});
  /// Runs the forward half on every tile of `rows` and calls see(tile, its rows relative to rows.begin).
  /// @param next  rows that will be asked for after these; may be empty
  template <class See>
  void for_each_tile(Level level, Range rows, Range next, See&& see) {
    for (Index first = rows.begin; first < rows.end; first += tile_rows) {
      const Range here{first, std::min(first + tile_rows, rows.end)};
      Tile tile = of(level).tile(here);
      const Range after = here.end < rows.end ? Range{here.end, rows.end} : next;
      tile.next = after.size() > 0 ? of(level).upcoming(after.begin) : nullptr;
      classifier_->forward(tile, losses_);
      if (!directions_.empty()) {
        classifier_->forward_along(tile, slopes_);
      }
      see(tile, Range{here.begin - rows.begin, here.end - rows.begin});
    }
  }
  /// Returns the loss of a row of the tile at hand at a probe of the pass.
  [[nodiscard]] Real loss(std::size_t probe, Index row) const {
    return losses_[probe * tile_rows + static_cast<std::size_t>(row)];
  }
  /// Returns ⟨∇ℓ, v⟩ of a row of the tile at hand, v the direction of a probe that wants products.
  [[nodiscard]] Real slope(std::size_t probe, Index row) const {
    return slopes_[direction_of_[probe] * tile_rows + static_cast<std::size_t>(row)];
  }
  /// Adds Σ_i w_i ∇²ℓ_i·v and Σ_i w_i ∇ℓ_i over the tile at hand for the shares that want them.
  void backward(const Tile& tile, InSpan weights, std::span<const Share> shares);
  /// Adds Σ_i w_i ∇ℓ_i at all probes, with the old weights where a probe says so. Cross-entropy only, no products.
  void backward(const Tile& tile, InSpan weights, InSpan old_weights, std::span<const Probe> probes);
  /// Adds what backward() has gathered to the shares that want it.
  void collect(std::span<Share> shares);

  /// The tallies that a problem's own follow.
  enum Tally : std::size_t { TestCorrect, TestLoss, HoldoutCorrect, HoldoutLoss, n_tally };
  /// Adds rows of this block that y classifies as labelled and the block's share of the mean loss, for Test and Holdout.
  void tally(Level level, const Block& block, InSpan y, OutSpan tallies);
  /// Sets test_accuracy (Loss::Squared: test_error, the mean squared error), holdout_accuracy and holdout_value.
  void measure(InSpan tallies, Metrics& metrics) const;

 private:
  /// None where y does not stand in columns, or these rows reach none.
  [[nodiscard]] std::vector<Index> columns_of(Level level, Range rows) const;

  PerLevel<RowSet> rows_;
  Index n_classes_ = 0;
  Loss loss_ = Loss::CrossEntropy;
  std::string fingerprint_;
  std::vector<std::string> notes_;  // of the split, on rank 0
  std::string columns_of_files_;    // on rank 0
  Index n_features_in_files_ = 0;
  std::vector<Index> features_in_use_;
  std::unique_ptr<Classifier> classifier_;
  std::vector<InSpan> points_;  // of the pass at hand
  bool in_columns_ = false;
  std::vector<Real> losses_, residuals_;
  std::vector<Along> directions_;          // of the pass at hand
  std::vector<std::size_t> direction_of_;  // by probe
  std::vector<Real> slopes_;
};

/// What problems that own a classifier's rows have in common: sizes, reading ahead, passes over few features.
class ClassifierProblem : public Problem, public Provenance, public RowReader, public ColumnPasses {
 public:
  [[nodiscard]] Index n_y() const override { return rows_.classifier().n_parameters(); }
  [[nodiscard]] Index n_rows(Level level) const override { return rows_.n_rows(stored(level)); }
  [[nodiscard]] std::vector<NamedArray> parameters() const override { return rows_.classifier().parameters(); }
  [[nodiscard]] std::vector<Index> features_in_use() const override { return rows_.features_in_use(); }
  void begin_pass(Level level, std::span<const Probe> probes) override { begin_pass_in(level, probes, {}); }
  [[nodiscard]] bool gives_pieces() const override { return true; }

  [[nodiscard]] Provenance* provenance() override { return this; }
  [[nodiscard]] std::string data_fingerprint() const override { return rows_.fingerprint(); }
  [[nodiscard]] std::string columns_of_files() const override { return rows_.columns_of_files(); }

  [[nodiscard]] RowReader* row_reader() override { return this; }
  [[nodiscard]] std::string description() const override { return rows_.description(); }
  void expect(Level level, std::span<const Index> blocks) override { rows_.of(stored(level)).expect(blocks); }
  [[nodiscard]] std::optional<Error> failure() const override { return rows_.failure(); }

  [[nodiscard]] ColumnPasses* column_passes() override { return rows_.columns().n_columns > 0 ? this : nullptr; }
  [[nodiscard]] Columns columns() const override;
  void mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const override {
    rows_.mark_columns(stored(level), rows, bits);
  }
  void begin_pass_in(Level /*level*/, std::span<const Probe> probes, std::span<const Index> columns) override {
    rows_.begin_pass(probes, columns);
  }

 protected:
  /// Returns the level whose rows the blocks of `level` are of.
  [[nodiscard]] virtual Level stored(Level level) const { return level; }

  ClassifiedRows rows_;
};

}  // namespace meha
