// SPDX-License-Identifier: MIT
// Models of the true labels that judge rows they were not trained on. The rows are cut into n_folds() folds at random; judge
// j is trained on the rows outside fold j and judges those in it, so that a wrong label cannot vouch for itself.
//   lower rows (doubtful):  ℓ_i(x,y) = −log Σ_k q_i(k;y) N_x[k][g_i],   N_x = e^x,  q_i = softmax of the model y
//                           ∂ℓ_i/∂z_i = q_i − p_i,   ∂ℓ_i/∂x[k][g_i] = −p_i(k),   p_i(k) = q_i(k) N_x[k][g_i] / Σ
//   upper rows (trusted):   ℓ_i(y) = −log q_i(label_i)
// x is the logarithm of the transition matrix, one vector for all models; −∂f/∂x is the expected number of (true, given)
// pairs, so that the M step of expectation maximisation is a normalisation of it. A judge's value and ∂/∂x are of the rows
// of its fold, its ∂/∂y of the others: value and N are out of fold.
// Models for comparison are trained beside the judges, on rows taken as they are given: ℓ_i(y) = −log q_i(g_i).
// Source of the loss: Patrini, Rozza, Menon, Nock, Qu, CVPR 2017, arXiv 1609.03683 (forward correction).
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "meha/problem/classified_rows.hpp"
#include "meha/problem/sample_labels.hpp"

namespace meha {

/// What one model of a pass is trained on, besides trusted rows (Level::Upper).
struct Training {
  enum class Rows { Judged, AsGiven, Kept, Clean };
  static constexpr Index no_fold = -1;

  Rows rows = Rows::Judged;  // Judged: all, with the loss of noisy labels
  Index fold = no_fold;      // rows of this fold are left out, of both levels
  Real weight = 1;           // of its gradients to y
};

/// For problems with DoubtfulLabels.
struct LabelModelOptions {
  std::string start = "trusted";
  bool refit = true;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.start", Rule::one_of("trusted|zero"), Fixed,
                   "trusted: x and y begin at models of the labels, fitted to trusted and doubtful rows together; "
                   "zero: x = 0, y = init"},
        start);
    see(OptionInfo{"problem.refit", Rule::any(), Free,
                   "after the run, train from scratch on the rows kept, all, validation, clean"},
        refit);
  }
};

/// What is measured of the labels (solver/label_answer.hpp) where there are DoubtfulLabels.
inline constexpr std::array label_metrics = {
    MetricInfo{"noise_rate", "estimated share of wrong labels: mean of 1 - p_correct"},
    MetricInfo{"detection_auroc", "probability that a wrong label has a smaller p_correct than a right one"},
    MetricInfo{"detection_precision", "share of wrong labels among suspect rows (p_correct < 1/2)"},
    MetricInfo{"detection_recall", "share of the wrong labels that are suspect"},
    MetricInfo{"detection_f1", "harmonic mean of detection_precision and detection_recall"},
    MetricInfo{"calibration_error", "mean difference of p_correct and the share of right labels, in ten intervals"},
    MetricInfo{"trusted_detection_auroc", "detection_auroc of a model of the trusted rows alone"},
    MetricInfo{"trusted_detection_f1",
               "detection_f1 of that model, a row being suspect where another class is likelier"},
    MetricInfo{"trusted_noise_rate", "estimated share of wrong labels among the trusted rows"},
    MetricInfo{"trusted_value", "mean loss of trusted rows by models that have not seen them"},
    MetricInfo{"model_accuracy", "test accuracy of the model that export --what model writes"},
    MetricInfo{"refit_soft", "test accuracy: trusted rows, and all others by how sure their labels are"},
    MetricInfo{"refit_kept", "… trusted rows and the rows kept (p_correct >= 1/2)"},
    MetricInfo{"refit_kept_only", "… the rows kept alone"},
    MetricInfo{"refit_corrupted", "… trusted rows and all others as given"},
    MetricInfo{"refit_validation", "… trusted rows alone"},
    MetricInfo{"refit_clean", "… trusted rows and those whose labels are truly right"},
    MetricInfo{"start_row_visits",
               "row visits of the models that the run starts from and of their choice: rows times models"}};

/// ln q, of what is below 1e-30 that of 1e-30.
inline Real log_probability(Real q) {
  return std::log(std::max(q, Real(1e-30)));
}

class CrossFit final : public Problem, public RowReader, public ColumnPasses {
 public:
  static constexpr Index most_classes = 2048;

  /// @param rows  stays the caller's and is used in turns with it: not while another pass is going on
  /// @param labels  of the lower rows that this rank owns; stay the caller's
  CrossFit(ClassifiedRows& rows, const SampleLabels& labels, Index seed, std::string init)
      : rows_(rows), labels_(labels), seed_(seed), init_(std::move(init)) {}

  /// Replaces the classifier, that of the rows' other users too: n_y() changes. Collective. Errors: as
  /// ClassifiedRows::use_model().
  void use_model(const Options& options, const Communicator& comm, Simd simd) { rows_.use_model(options, comm, simd); }

  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return n_classes() * n_classes(); }
  [[nodiscard]] Index n_y() const override { return rows_.classifier().n_parameters(); }
  [[nodiscard]] Index n_rows(Level level) const override { return rows_.n_rows(level); }
  /// x: first_transition(); y: the classifier's start.
  void start(Out x, Out y) const override;
  void begin_pass(Level level, std::span<const Probe> probes) override { begin_pass_in(level, probes, {}); }
  void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
           const BetweenHalves& between) override;
  [[nodiscard]] bool has_whole(Level /*level*/) const override { return false; }
  [[nodiscard]] bool gives_pieces() const override { return true; }
  [[nodiscard]] bool has_g() const override { return false; }

  [[nodiscard]] RowReader* row_reader() override { return this; }
  [[nodiscard]] std::string description() const override { return rows_.description(); }
  void expect(Level level, std::span<const Index> blocks) override;
  [[nodiscard]] std::optional<Error> failure() const override { return rows_.failure(); }

  [[nodiscard]] ColumnPasses* column_passes() override { return rows_.columns().n_columns > 0 ? this : nullptr; }
  [[nodiscard]] Columns columns() const override { return rows_.columns(); }
  void mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const override {
    rows_.mark_columns(level, rows, bits);
  }
  void begin_pass_in(Level level, std::span<const Probe> probes, std::span<const Index> columns) override;

  /// Into how many blocks of a pass each block of rows is cut (Oracle::Setup::n_parts): small minibatches then have some for
  /// every rank, and no more trusted rows than they need. A function of the model and the numbers of rows.
  [[nodiscard]] Index n_parts(Level level) const;
  [[nodiscard]] Index n_classes() const { return rows_.n_classes(); }
  /// Whether the models have no hidden units, so that the loss of trusted rows is convex.
  [[nodiscard]] bool is_linear() const { return n_y() == n_classes() * (rows_.n_features() + 1); }
  /// Whether models are trained on centred features: perceptrons, which learn faster then; linear models would be no better.
  [[nodiscard]] bool is_centred() const { return !is_linear() && rows_.of(Level::Lower).element() != Storage::Sparse; }
  /// What y begins with: weights (n_units × n_features, row-major), then n_units biases.
  struct FirstLayer {
    Index n_units = 0, n_features = 0;
  };
  [[nodiscard]] FirstLayer first_layer() const;
  [[nodiscard]] const SampleLabels& labels() const { return labels_; }
  [[nodiscard]] const ClassifiedRows& rows() const { return rows_; }
  /// For models of so many parameters: 5; above 2^18, where copies of them fill memory, 3; above 2^20, 2.
  static constexpr Index folds_of(Index n_y) { return n_y > Index{1} << 20 ? 2 : n_y > Index{1} << 18 ? 3 : 5; }
  [[nodiscard]] Index n_folds() const { return folds_of(n_y()); }
  /// The fold of a row: a function of seed, level and row.
  [[nodiscard]] Index fold(Level level, Index row) const;
  /// What the probes of the passes to come are trained on, in their order. @param trainings  by level: Lower, Upper
  void set_trainings(std::array<std::vector<Training>, 2> trainings) { trainings_ = std::move(trainings); }
  /// Which of the doubtful rows owned here Training::Rows::Kept takes: 1. @param kept  (rows owned)
  void set_kept(std::vector<std::uint8_t> kept) { kept_ = std::move(kept); }

  /// Restricts the passes that follow to n of begin_pass()'s probes, from `first` on. Dense rows only.
  void use_points(std::size_t first, std::size_t n) { rows_.classifier().use_points(first, n); }
  /// Hands over what add() has added at one of all these probes; for shares without grad_y. See Classifier.
  void take_gradient(std::size_t point, const TakePiece& take) { rows_.classifier().take_gradient(point, take); }

  /// Appends what add() needs of rows that this rank owns. Waits for rows on disk.
  void pack(Level level, Range rows, std::vector<std::byte>& to) const;
  /// Takes in rows that were packed on any rank: until dismiss(), passes may be over blocks of these. @return as RowSet::take_in()
  std::size_t take_in(Level level, Range rows, std::span<const std::byte> packed);
  void dismiss(bool keeps_room = false);

  /// Adds each feature over the rows of one of own_blocks(); dense rows only. @param sums  (n_features)     Collective: no.
  void add_features(Level level, Index block, OutSpan sums) const;
  /// Every stride-th block of a level, of those that this rank owns, as the rows are dealt out.
  [[nodiscard]] std::vector<Index> own_blocks(Level level, Index stride = 1) const;
  /// Calls see(row, label, q) for every row of these blocks, which this rank owns; row is the row's number in its level.
  /// @param q  [model][class], probabilities; valid during the call     Collective: no.
  /// Errors: Error(Data) when rows that stay on disk cannot be read, on this rank alone.
  using SeeRow = std::function<void(Index row, Label label, InSpan q)>;
  void visit(Level level, std::span<const Index> blocks, std::span<const InSpan> models, const SeeRow& see);

 private:
  /// What a doubtful row is among, as bits.
  enum Membership : std::uint8_t { AmongKept = 1, AmongClean = 2 };
  /// Of rows taken in.
  struct Memberships {
    Range rows;
    std::vector<std::uint8_t> bits;
  };

  [[nodiscard]] std::uint8_t memberships(Index row) const;
  [[nodiscard]] bool takes(const Training& training, Level level, Index row) const;

  ClassifiedRows& rows_;
  const SampleLabels& labels_;
  Index seed_;
  std::string init_;
  std::array<std::vector<Training>, 2> trainings_;
  std::vector<std::uint8_t> kept_;
  std::vector<Memberships> of_guests_;
  Vec transition_;                   // e^x
  std::vector<Real> probabilities_;  // of a tile at one model: [row][class]
  std::vector<Index> folds_;         // of a tile's rows
};

}  // namespace meha
