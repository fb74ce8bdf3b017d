// SPDX-License-Identifier: MIT
#include "meha/problem/hyper_cleaning.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "meha/problem/deal.hpp"

namespace meha {
namespace {

constexpr Real loss_unit = 1 << 20;  // held-out losses are tallied in whole 2^-20 nats: the same sum in any order

}  // namespace

Real sigmoid(Real x) {
  if (x >= 0) {
    return 1 / (1 + std::exp(-x));
  }
  const Real power = std::exp(x);
  return power / (1 + power);
}

HyperCleaning::HyperCleaning(const Options& options, const Communicator& comm, Simd simd)
    : init_(options.problem.init),
      seed_(options.run.seed),
      regularisation_(options.problem.regularisation),
      refit_(options.problem.refit) {
  Split split;
  comm.root_or_none([&] {
    if (options.problem.loss != "cross_entropy") {
      throw Error(ExitCode::Config, "problem.loss = " + toml(options.problem.loss) +
                                        ": must be \"cross_entropy\": hyper_cleaning weighs labels that are classes");
    }
    split = load_split(options.problem.data, options.problem.noise, options.run.seed);
  });
  train_ = deal_rows(comm, split.train, options.run.block_rows);
  validation_ = deal_rows(comm, split.validation, options.run.block_rows);
  test_ = deal_rows(comm, split.test, options.run.block_rows);
  holdout_ = deal_rows(comm, split.holdout, options.run.block_rows);
  is_clean_ = deal_bytes(comm, train_.plan(), split.is_clean);
  Index knows_truth = split.is_clean.empty() ? 0 : 1;
  comm.broadcast(knows_truth);
  knows_truth_ = knows_truth != 0;
  Index n_classes = split.n_classes();
  comm.broadcast(n_classes);
  fingerprint_ = split.fingerprint;
  comm.broadcast(fingerprint_);
  classifier_ = make_classifier(
      options.problem, {.n_features = train_.n_features(), .n_classes = n_classes, .element = train_.element()},
      options.run.precision, simd);
  samples_ = {.source_row = std::move(split.train.rows),
              .given = std::move(split.train.labels),
              .truth = std::move(split.true_labels),
              .is_clean = std::move(split.is_clean),
              .class_names = std::move(split.class_names)};
}

const RowSet& HyperCleaning::rows_of(Level level) const {
  return level == Level::Lower ? train_ : level == Level::Upper ? validation_ : level == Level::Test ? test_ : holdout_;
}

std::vector<NamedArray> HyperCleaning::parameters() const {
  return classifier_->parameters();
}

void HyperCleaning::start(Out x, Out y) const {
  x.setZero();
  classifier_->start(init_, seed_, y);
}

void HyperCleaning::begin_pass(Level /*level*/, std::span<const Probe> probes) {
  std::vector<InSpan> points;
  for (const Probe& probe : probes) {
    points.push_back(probe.y);
  }
  classifier_->set_points(points);
  losses_.resize(probes.size() * tile_rows);
  weights_.resize(tile_rows);
}

/// Runs the forward half on every tile of `rows` and calls see(tile, its rows relative to rows.begin).
template <class See>
void HyperCleaning::for_each_tile(const RowSet& set, Range rows, See&& see) {
  for (Index first = rows.begin; first < rows.end; first += tile_rows) {
    const Range here{first, std::min(first + tile_rows, rows.end)};
    const Tile tile = set.tile(here);
    classifier_->forward(tile, losses_);
    see(tile, Range{here.begin - rows.begin, here.end - rows.begin});
  }
}

void HyperCleaning::add(Level level, const Block& block, InSpan x, std::span<const Probe> probes,
                        std::span<Share> shares, const BetweenHalves& between) {
  const Real mean = 1 / static_cast<Real>(block.n_rows_in_pass);
  const bool weighted = level == Level::Lower;
  const bool wants_grad_y = std::any_of(shares.begin(), shares.end(), [](const Share& s) { return !s.grad_y.empty(); });
  for_each_tile(rows_of(level), block.rows, [&](const Tile& tile, Range rows) {
    for (Index i = 0; i < tile.n_rows; ++i) {
      const auto row = static_cast<std::size_t>(rows.begin + i);
      const Real s = weighted ? sigmoid(x[row]) : 1;
      for (std::size_t p = 0; p < probes.size(); ++p) {
        const Real loss = losses_[p * tile_rows + static_cast<std::size_t>(i)];
        shares[p].value += mean * s * loss;
        if (weighted && !shares[p].grad_x.empty()) {
          shares[p].grad_x[row] = mean * s * (1 - s) * loss;
        }
      }
    }
    if (between) {
      between(rows);
    }
    if (wants_grad_y) {
      for (Index i = 0; i < tile.n_rows; ++i) {
        const auto row = static_cast<std::size_t>(rows.begin + i);
        weights_[static_cast<std::size_t>(i)] = weighted ? mean * sigmoid(x[row]) : mean;
      }
      classifier_->backward(tile, weights_);
    }
  });
  for (std::size_t p = 0; wants_grad_y && p < probes.size(); ++p) {
    if (!shares[p].grad_y.empty()) {
      classifier_->collect(p, shares[p].grad_y);
    }
  }
}

void HyperCleaning::add_whole(Level level, InSpan /*x*/, const Probe& probe, Share& share) const {
  if (level != Level::Lower || regularisation_ == 0) {
    return;
  }
  Real square = 0;
  for (const Real v : probe.y) {
    square += v * v;
  }
  share.value += regularisation_ * square;
  for (std::size_t i = 0; i < share.grad_y.size(); ++i) {
    share.grad_y[i] += 2 * regularisation_ * probe.y[i];
  }
}

void HyperCleaning::tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies) {
  if (level == Level::Lower) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool kept = sigmoid(x[i]) >= 0.5;
      tallies[Kept] += kept ? 1 : 0;
      if (knows_truth_) {
        const bool clean = is_clean_[static_cast<std::size_t>(block.rows.begin - train_.rows().begin) + i] != 0;
        tallies[CleanKept] += kept && clean ? 1 : 0;
        tallies[CorruptedKept] += kept && !clean ? 1 : 0;
        tallies[CleanDropped] += !kept && clean ? 1 : 0;
      }
    }
  } else if (level == Level::Test || level == Level::Holdout) {
    const Probe probe{.y = y, .want = Want::Nothing};
    begin_pass(level, {&probe, 1});
    std::vector<Label> predicted;
    for_each_tile(rows_of(level), block.rows, [&](const Tile& tile, Range /*rows*/) {
      predicted.resize(static_cast<std::size_t>(tile.n_rows));
      classifier_->classes(predicted);
      for (std::size_t i = 0; i < predicted.size(); ++i) {
        tallies[level == Level::Test ? TestCorrect : HoldoutCorrect] += predicted[i] == tile.labels[i] ? 1 : 0;
        tallies[HoldoutLoss] += level == Level::Test ? 0 : std::round(losses_[i] * loss_unit);
      }
    });
  }
}

void HyperCleaning::measure(InSpan tallies, In x, In /*y*/, Metrics& metrics) const {
  if (test_.plan().n_rows > 0) {
    metrics.set("test_accuracy", tallies[TestCorrect] / static_cast<Real>(test_.plan().n_rows));
  }
  if (holdout_.plan().n_rows > 0) {
    const auto n = static_cast<Real>(holdout_.plan().n_rows);
    metrics.set("holdout_accuracy", tallies[HoldoutCorrect] / n);
    metrics.set("holdout_value", tallies[HoldoutLoss] / loss_unit / n);
  }
  metrics.set("rows_kept", tallies[Kept]);
  if (knows_truth_) {
    set_cleaning_metrics(tallies[CleanKept], tallies[CorruptedKept], tallies[CleanDropped], metrics);
    if (const auto area = auroc({x.data(), static_cast<std::size_t>(x.size())}, samples_.is_clean)) {
      metrics.set("auroc", *area);
    }
  }
}

bool HyperCleaning::has_refit(Refit which) const {
  return refit_ && test_.plan().n_rows > 0 && (which != Refit::Clean || knows_truth_);
}

void HyperCleaning::select_rows(Refit which, Range rows, InSpan x, OutSpan x_hard) const {
  if (x.empty()) {
    return;
  }
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  const bool all_here = samples_.is_clean.size() == static_cast<std::size_t>(n_x());  // rank 0 knows every row's truth
  const std::uint8_t* clean =
      all_here ? samples_.is_clean.data() + rows.begin : is_clean_.data() + (rows.begin - train_.rows().begin);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool taken = which == Refit::Kept ? sigmoid(x[i]) >= 0.5 : which != Refit::Clean || clean[i] != 0;
    x_hard[i] = taken ? infinity : -infinity;
  }
}

std::vector<Label> HyperCleaning::predict(In y) {
  const Probe probe{.y = {y.data(), static_cast<std::size_t>(y.size())}, .want = Want::Nothing};
  begin_pass(Level::Lower, {&probe, 1});
  std::vector<Label> predicted(static_cast<std::size_t>(train_.rows().size()));
  for_each_tile(train_, train_.rows(),
                [&](const Tile& /*tile*/, Range rows) { classifier_->classes(slice(std::span(predicted), rows)); });
  return predicted;
}

}  // namespace meha
