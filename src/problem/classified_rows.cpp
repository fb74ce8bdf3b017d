// SPDX-License-Identifier: MIT
#include "meha/problem/classified_rows.hpp"

#include <algorithm>

#include "meha/data/data_options.hpp"
#include "meha/data/row_source.hpp"
#include "meha/problem/deal.hpp"
#include "meha/problem/features_in_use.hpp"

namespace meha {
namespace {

/// A damaged index or label in a small file makes a model that no machine can hold. Collective.
void expect_memory_for(const Communicator& comm, Index n_parameters, Index n_features, Index n_classes) {
  constexpr Index least_bytes = 4 * sizeof(Real);  // y, θ and two gradients
  const Index spare = spare_memory_of_rank(comm);
  if (n_parameters > spare / least_bytes) {
    throw Error(ExitCode::Data, "a model of " + std::to_string(n_parameters) + " parameters (" +
                                    std::to_string(n_features) + " features, " + std::to_string(n_classes) +
                                    " classes) needs more than " + std::to_string(spare >> 20) +
                                    " MiB, all that a rank has: is an index or a label in a file damaged?");
  }
}

}  // namespace

ClassifiedRows::ClassifiedRows(const Options& options, const Communicator& comm, Simd simd, const Split& split,
                               Loss loss, Keep keep)
    : n_classes_(loss == Loss::Squared ? 1 : split.n_classes()), loss_(loss) {
  DealtRows dealt = deal_split(comm, split, options.run.block_rows, options.problem.of<DataOptions>().memory << 20);
  rows_ = std::move(dealt.rows);
  fingerprint_ = std::move(dealt.fingerprint);
  notes_ = split.notes;
  columns_of_files_ = split.rows[Level::Lower].table ? split.rows[Level::Lower].table->columns : "";
  comm.broadcast(n_classes_);
  n_features_in_files_ = n_features();
  if (keep == Keep::FeaturesInUse && of(Level::Lower).element() == Storage::Sparse) {
    features_in_use_ = keep_features_in_use(comm, rows_);
  }
  use_model(options, comm, simd);
}

void ClassifiedRows::use_model(const Options& options, const Communicator& comm, Simd simd) {
  classifier_ = make_classifier(
      options.problem,
      {.n_features = n_features(), .n_classes = n_classes_, .element = of(Level::Lower).element(), .loss = loss_},
      options.run.precision, simd);
  expect_memory_for(comm, classifier_->n_parameters(), n_features(), n_classes_);
}

std::optional<Error> ClassifiedRows::failure() const {
  for (const RowSet& rows : rows_) {
    if (auto failure = rows.failure()) {
      return failure;
    }
  }
  return std::nullopt;
}

std::string ClassifiedRows::description() const {
  std::string text;
  for (const std::string& note : notes_) {
    text += note + "\n";
  }
  if (!features_in_use_.empty()) {
    text += std::to_string(n_features()) + " of " + std::to_string(n_features_in_files_) +
            " features occur; the others have no parameters\n";
  }
  std::string streamed;
  for (const Level level : all_levels) {
    if (rows_[level].is_streamed()) {
      streamed += (streamed.empty() ? "" : " and ") + std::string(name(level));
    }
  }
  return text + (streamed.empty() ? "rows: in memory" : "rows: " + streamed + " rows are read from disk in every pass");
}

Columns ClassifiedRows::columns() const {
  const Index n = classifier_->n_per_feature();
  return n > 0 ? Columns{.n_columns = n_features(), .n_numbers = n} : Columns{};
}

void ClassifiedRows::mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const {
  const Tile tile = of(level).tile(rows);
  for (Index row = 0; row < tile.n_rows; ++row) {
    for (const Entry& entry : tile.entries(row)) {
      bits[entry.feature / 64] |= std::uint64_t{1} << entry.feature % 64;
    }
  }
}

std::vector<Index> ClassifiedRows::columns_of(Level level, Range rows) const {
  std::vector<Index> numbers;
  if (const Index n = columns().n_columns; n > 0) {
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(n + 63) / 64);
    mark_columns(level, rows, bits);
    list_bits(bits, n, numbers);
  }
  return numbers;
}

void ClassifiedRows::begin_pass(std::span<const Probe> probes, std::span<const Index> columns) {
  in_columns_ = !columns.empty();
  points_.clear();
  directions_.clear();
  direction_of_.clear();
  for (const Probe& probe : probes) {
    direction_of_.push_back(directions_.size());
    if (has(probe.want, products)) {
      directions_.push_back({.point = points_.size(), .v = probe.v});
    }
    points_.push_back(probe.y);
  }
  classifier_->set_points(points_, columns);
  losses_.resize(probes.size() * tile_rows);
  if (!directions_.empty()) {
    classifier_->set_directions(directions_, columns);
    slopes_.resize(directions_.size() * tile_rows);
  }
}

void ClassifiedRows::backward(const Tile& tile, InSpan weights, std::span<const Share> shares) {
  if (std::ranges::any_of(shares, [](const Share& share) { return !share.hess_y.empty(); })) {
    classifier_->backward_along(tile, weights);
  }
  if (std::ranges::any_of(shares, &Share::wants_grad_y)) {
    classifier_->backward(tile, weights);
  }
}

void ClassifiedRows::backward(const Tile& tile, InSpan weights, InSpan old_weights, std::span<const Probe> probes) {
  const auto n = static_cast<std::size_t>(n_classes_);
  residuals_.resize(tile_rows * n);
  for (std::size_t p = 0; p < probes.size(); ++p) {
    require(!has(probes[p].want, products), "products at an old x");
    classifier_->probabilities(p, residuals_);
    for (Index i = 0; i < tile.n_rows; ++i) {
      const auto row = static_cast<std::size_t>(i);
      const OutSpan of_row = OutSpan(residuals_).subspan(row * n, n);
      of_row[static_cast<std::size_t>(tile.labels[i])] -= 1;
      for (Real& residual : of_row) {
        residual *= probes[p].old_x ? old_weights[row] : weights[row];
      }
    }
    classifier_->set_residuals(p, tile, residuals_);
  }
  classifier_->backward(tile);
}

void ClassifiedRows::collect(std::span<Share> shares) {
  for (std::size_t p = 0; p < shares.size(); ++p) {
    Share& share = shares[p];
    const std::size_t direction = direction_of_.at(p);
    if (in_columns_) {
      share.columns = !share.grad_y.empty()   ? classifier_->touched()
                      : !share.hess_y.empty() ? classifier_->touched_along()
                                              : share.columns;
    }
    if (share.take_grad_y != nullptr) {
      classifier_->take_gradient(p, *share.take_grad_y);
    } else if (!share.grad_y.empty()) {
      in_columns_ ? classifier_->collect_touched(p, share.grad_y) : classifier_->collect(p, share.grad_y);
    }
    if (!share.hess_y.empty()) {
      in_columns_ ? classifier_->collect_touched_along(direction, share.hess_y)
                  : classifier_->collect_along(direction, share.hess_y);
    }
  }
}

void ClassifiedRows::tally(Level level, const Block& block, InSpan y, OutSpan tallies) {
  if (level != Level::Test && level != Level::Holdout) {
    return;
  }
  const Probe probe{.y = y, .want = Want::Nothing};
  begin_pass({&probe, 1}, columns_of(level, block.rows));
  Real correct = 0;
  Real total = 0;
  std::vector<Label> predicted(tile_rows);
  for_each_tile(level, block.rows, block.next, [&](const Tile& tile, Range rows) {
    if (loss_ == Loss::CrossEntropy) {
      classifier_->classes(slice(std::span(predicted), {0, rows.size()}));
    }
    for (Index i = 0; i < tile.n_rows; ++i) {
      total += loss(0, i);
      correct += loss_ == Loss::CrossEntropy && predicted[static_cast<std::size_t>(i)] == tile.labels[i] ? 1 : 0;
    }
  });
  tallies[level == Level::Test ? TestCorrect : HoldoutCorrect] += correct;
  tallies[level == Level::Test ? TestLoss : HoldoutLoss] += total / static_cast<Real>(block.n_rows_in_pass);
}

void ClassifiedRows::measure(InSpan tallies, Metrics& metrics) const {
  const auto share = [&](Level level, Tally correct) { return tallies[correct] / static_cast<Real>(n_rows(level)); };
  const bool has_classes = loss_ == Loss::CrossEntropy;
  if (n_rows(Level::Test) > 0 && has_classes) {
    metrics.set("test_accuracy", share(Level::Test, TestCorrect));
  } else if (n_rows(Level::Test) > 0) {
    metrics.set("test_error", 2 * tallies[TestLoss]);
  }
  if (n_rows(Level::Holdout) > 0) {
    metrics.set("holdout_value", tallies[HoldoutLoss]);
    if (has_classes) {
      metrics.set("holdout_accuracy", share(Level::Holdout, HoldoutCorrect));
    }
  }
}

Columns ClassifierProblem::columns() const {
  Columns columns = rows_.columns();
  columns.all = has_whole(Level::Lower);
  return columns;
}

}  // namespace meha
