// SPDX-License-Identifier: MIT
// Hyper-representation: feature layers x shared by many small tasks, each with a linear softmax head y_t of its own.
//   f(x,y) = (1/T) Σ_t [ (1/|S_t|) Σ_{(a,c)∈S_t} ℓ(y_t, h(a;x), c) + r/2·‖y_t‖² ],  g = 0      S_t: support set of task t
//   F(x,y) = (1/T) Σ_t   (1/|Q_t|) Σ_{(a,c)∈Q_t} ℓ(y_t, h(a;x), c)                            Q_t: query set
//   ℓ((W,b), h, c) = −log softmax(W h + b)_c [nats],  y = (W_1, b_1, …, W_T, b_T),  X = all of space, x⁰ random, y⁰ = 0
//   With p = softmax(W h + b) − e_c:   ∂ℓ/∂W = p hᵀ,  ∂ℓ/∂b = p,  ∂ℓ/∂h = Wᵀ p, and on through h (feature_network.hpp)
// Rows are tasks, of both levels: row t of Lower is S_t, row t of Upper Q_t. Every rank stores the images of its own tasks
// and nothing else; support images come from the training rows, query images from the validation rows.
// The gradient of y_t is O(1/T): step sizes of y and theta and gamma are best chosen proportional to T.
// With minibatches the tasks of f and those of F are drawn independently.
//
// Few-shot accuracy: on tasks of classes held out from training, a head is fitted to the support set from zero by
// n_fit_steps gradient steps of length 1/L on f_t, L = ½·mean‖(h,1)‖² + r, and tested on the query set. The untrained
// accuracy is that of h(·; x⁰) on the same tasks in the same way. a_t being the share of task t's query images that are
// classified as labelled: accuracy = (1/T) Σ_t a_t, standard error² = Σ_t (a_t − accuracy)² / (T (T−1)).
// Source: Franceschi, Frasconi, Salzo, Grazzi, Pontil, ICML 2018, arXiv 1806.04910, section 4 (few-shot learning).
#pragma once

#include <memory>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/data/episodes.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/feature_network.hpp"

namespace meha {

struct FewShotOptions {
  Index n_tasks = 200;
  Index n_ways = 5, n_shots = 1, n_queries = 15;
  Index n_held_out_classes = 5, n_evaluation_tasks = 200;
  std::vector<Index> held_out_classes;
  bool rotations = false;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.n_tasks", Rule::at_least(1), Fixed, "few-shot tasks to learn from: the rows"}, n_tasks);
    see(OptionInfo{"problem.n_ways", Rule::at_least(2), Fixed, "classes in a few-shot task"}, n_ways);
    see(OptionInfo{"problem.n_shots", Rule::at_least(1), Fixed, "support images of each class of a task"}, n_shots);
    see(OptionInfo{"problem.n_queries", Rule::at_least(1), Fixed, "query images of each class of a task"}, n_queries);
    see(OptionInfo{"problem.n_held_out_classes", Rule::at_least(0), Fixed,
                   "so many last classes are for evaluation tasks alone; 0: no evaluation"},
        n_held_out_classes);
    see(OptionInfo{"problem.held_out_classes", Rule::at_least(0), Fixed,
                   "the classes for evaluation tasks, in place of the last n_held_out_classes"},
        held_out_classes);
    see(OptionInfo{"problem.n_evaluation_tasks", Rule::at_least(0), Fixed,
                   "few-shot tasks that every report is measured on; 0: no evaluation"},
        n_evaluation_tasks);
    see(OptionInfo{"problem.rotations", Rule::any(), Fixed,
                   "a class's square images turned by 90, 180 and 270 degrees are three more classes"},
        rotations);
  }
};

inline constexpr std::array few_shot_metrics = {
    MetricInfo{"few_shot_accuracy", "share of query images of held-out classes that fitted heads classify as labelled"},
    MetricInfo{"few_shot_accuracy_se", "standard error of few_shot_accuracy, over evaluation tasks"},
    MetricInfo{"untrained_accuracy", "few_shot_accuracy of the features before any training, on the same tasks"},
    MetricInfo{"untrained_accuracy_se", "standard error of untrained_accuracy, over evaluation tasks"}};

inline constexpr int n_fit_steps = 100;

/// @param T  arithmetic of the images' visits; sums and State are double
template <class T>
class HyperRepresentation final : public Problem, public Provenance, public OwnMetrics {
 public:
  /// Loads the data and draws the tasks on rank 0 and deals them out. Collective.
  /// Errors: as load_split() and draw_episodes(), Error(Config) for options without a meaning here; on all ranks.
  HyperRepresentation(const Options& options, const Communicator& comm, Simd simd);

  [[nodiscard]] XLayout x_layout() const override { return XLayout::Shared; }
  [[nodiscard]] Index n_x() const override { return network_->shape().n_parameters(); }
  [[nodiscard]] Index n_y() const override { return plan_.n_tasks * head_size(); }
  [[nodiscard]] Index n_rows(Level level) const override {
    return level == Level::Holdout ? 0 : level == Level::Test ? evaluation_plan_.n_tasks : plan_.n_tasks;
  }
  [[nodiscard]] std::vector<NamedArray> parameters() const override;
  void start(Out x, Out y) const override;
  [[nodiscard]] bool has_g() const override { return false; }
  [[nodiscard]] Real rounding() const override { return sizeof(T) == sizeof(float) ? 0x1p-24 : 0x1p-53; }
  void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
           const BetweenHalves& between) override;

  [[nodiscard]] Provenance* provenance() override { return this; }
  [[nodiscard]] std::string data_fingerprint() const override { return fingerprint_; }

  [[nodiscard]] OwnMetrics* own_metrics() override { return this; }
  [[nodiscard]] Index n_tallies() const override { return 4; }
  void tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies) override;
  void measure(InSpan tallies, In x, In y, Metrics& metrics) const override;

 private:
  /// Correct: Σ_t n_t, CorrectSquare: Σ_t n_t², n_t the query images of evaluation task t classified as labelled.
  enum Tally : std::size_t { Correct, CorrectSquare, UntrainedCorrect, UntrainedCorrectSquare };

  void measure_accuracy(InSpan correct, const char* accuracy, const char* standard_error, Metrics& metrics) const;
  [[nodiscard]] Index n_hidden() const { return network_->shape().hidden.back(); }
  [[nodiscard]] Index head_size() const { return plan_.n_ways * (n_hidden() + 1); }
  void read_head(InSpan y);
  void head_logits(const Matrix<T>& features, Range rows);
  Real head_forward(const Matrix<T>& features, Range rows, const Label* labels);
  void add_head_gradient(const Matrix<T>& features, Range rows, Real factor, OutSpan grad_y);
  void add_regulariser(Real factor, InSpan y, Share& share, OutSpan grad_y) const;
  void add_tasks(Level level, Range tasks, Real mean, std::span<const Probe> probes, std::span<Share> shares);
  void fit_head(const Matrix<T>& features, const Label* labels);
  [[nodiscard]] Index count_correct(Index task);

  std::string init_;
  Index seed_;
  Real regularisation_;
  EpisodePlan plan_, evaluation_plan_;
  RowSet support_, query_, evaluation_support_, evaluation_query_;  // images, task after task
  std::string fingerprint_;
  std::unique_ptr<FeatureNetwork<T>> network_;
  std::vector<Index> untrained_correct_;  // of the evaluation tasks owned here; empty: not counted yet
  Matrix<T> weight_, bias_;               // the head at hand: n_ways × n_hidden, 1 × n_ways
  Matrix<T> residual_;                    // (softmax − e_c) / rows of the task
  Matrix<T> weight_gradient_, below_, support_features_;
};

/// The problem in the arithmetic of run.precision. Collective.
std::unique_ptr<Problem> make_hyper_representation(const Options& options, const Communicator& comm, Simd simd);

}  // namespace meha
