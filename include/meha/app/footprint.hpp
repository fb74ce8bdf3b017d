// SPDX-License-Identifier: MIT
// Predicts the memory of a run on P ranks from the sizes in the headers of its files. Per lower row a rank holds: its
// features and label; x, the optimiser's numbers and the best x; two gradients; for hyper_cleaning what reports tell of
// it, and while AUROC is computed its place in the order. m = length of y.
#pragma once

#include <numeric>

#include <algorithm>
#include <array>
#include <memory>

#include "meha/data/formats.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/problem.hpp"
#include "meha/solver/cost.hpp"
#include "meha/solver/train_models.hpp"

namespace meha {

/// The sizes of a run of a problem with file_rows (problem/registry.hpp).
struct RunSizes {
  Options options;
  bool per_row = false;
  Targets targets = Targets::Classes;
  FileSizes file;              // with the training rows
  Index n_file_rows = 0;       // of all files
  Index table_bytes = 0;       // features of files that rank 0 has as a whole in memory before it deals their rows out
  Index n_to_choose_from = 0;  // of those with the training rows
  PerLevel<Index> rows;
  Index n_classes = 0;
  bool knows_truth = false;
  Index n_x = 0, m = 0;
  std::unique_ptr<Classifier> classifier;
  Cost cost;  // of an iteration

  [[nodiscard]] bool has_numbers() const { return targets == Targets::Numbers; }
  [[nodiscard]] Index n_rows() const { return std::accumulate(rows.begin(), rows.end(), Index{0}); }
  /// Parameters that a row multiplies; sparse: those of its entries.
  [[nodiscard]] Index m_of_row() const;
  /// @param level  Lower or Upper
  [[nodiscard]] Index rows_of_iteration(Level level) const;
  [[nodiscard]] Index n_iterations() const;
  [[nodiscard]] Index iterations_per_pass() const;
  /// Reports after the first, which is before all iterations; one is at the end in any case.
  [[nodiscard]] Index n_later_reports() const;
  /// Models of labels that problem.start = "trusted" trains.
  [[nodiscard]] Index n_models_of_start() const;
  /// About the rows of a step in training models of labels. @param n  rows of the run, or of a smaller one
  [[nodiscard]] StepRows step_of_models(const PerLevel<Index>& n) const;
  /// Whether ranks train so many models of labels apart, on n rows.
  [[nodiscard]] bool trains_apart(const PerLevel<Index>& n, Index n_models) const;
};

/// Returns all but `cost`. Reads headers and labels of the files, and text to its end; holds no features.
/// Precondition: the problem has file_rows. Errors: what is wrong with the files.
RunSizes sizes_of_run(const Options& options, Simd simd);

/// The memory of one rank [bytes].
struct Memory {
  Real program = 0, rows = 0, state = 0, gradients = 0, reports = 0, order = 0, model = 0, checkpoint = 0;
  Real fields = 0;           // of model: y and its like, there from the start
  Real models = 0;           // of labels, in training, before the rest of model
  Real refits = 0;           // of labels, trained after the run; and what stays of those before it
  Real loading = 0;          // before the rest, and with the rows
  bool is_streamed = false;  // some rows stay on disk
  [[nodiscard]] Real peak() const {
    const Real running = std::max(gradients, order) + model + refits + checkpoint;
    return program + rows + std::max(loading, state + reports + std::max(fields + models, running));
  }
};

Memory memory_of(const RunSizes& sizes, int rank, int n_ranks);

/// Returns the size of /state in a checkpoint [bytes].
Real state_bytes(const RunSizes& sizes);

/// The messages of one iteration [bytes].
struct Traffic {
  Real allreduce = 0;  // sparse rows: at most
  Real broadcast = 0;
};

Traffic traffic_of(const RunSizes& sizes, int n_ranks);

}  // namespace meha
