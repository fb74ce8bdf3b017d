// SPDX-License-Identifier: MIT
#include "meha/problem/hyper_cleaning.hpp"

#include <algorithm>
#include <cmath>

#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/cross_fit.hpp"
#include "meha/problem/deal.hpp"

namespace meha {
void set_cleaning_metrics(Real clean_kept, Real corrupted_kept, Real clean_dropped, Metrics& metrics) {
  const auto ratio = [&](const char* name, Real part, Real whole) {
    if (whole > 0) {
      metrics.set(name, part / whole);
    }
  };
  ratio("precision", clean_kept, clean_kept + corrupted_kept);
  ratio("recall", clean_kept, clean_kept + clean_dropped);
  ratio("f1", 2 * clean_kept, 2 * clean_kept + corrupted_kept + clean_dropped);
}

void require_few_classes(Index n_classes) {
  if (n_classes > CrossFit::most_classes) {
    throw Error(ExitCode::Data, std::to_string(n_classes) + " classes: must be at most " +
                                    std::to_string(CrossFit::most_classes) +
                                    " for the matrix of which class is taken for which; are the labels class numbers, "
                                    "counted from 0 without gaps?");
  }
}

namespace {

/// The lines of the rows in a file of text. @return  empty for other files, and on ranks without the table
std::vector<Index> lines_of(const Selection& rows) {
  std::vector<Index> lines;
  if (rows.table && !rows.table->lines.empty()) {
    for (const Index row : rows.rows) {
      lines.push_back(rows.table->lines[static_cast<std::size_t>(row)]);
    }
  }
  return lines;
}

}  // namespace

HyperCleaning::HyperCleaning(const Options& options, const Communicator& comm, Simd simd)
    : init_(options.problem.of<InitOptions>().init),
      seed_(options.run.seed),
      regularisation_(options.problem.of<NetworkOptions>().regularisation),
      sigmoid_(tile_kernels<Real>(simd).sigmoid) {
  Split split;
  comm.root_or_none([&] {
    if (options.problem.of<LabelModelOptions>().start == "zero") {
      require_validation(options.problem.of<DataOptions>());
    }
    split = load_split(options.problem.of<DataOptions>(), options.problem.of<NoiseOptions>(), options.run.seed,
                       Targets::Classes, Features::InFile);
  });
  rows_ = ClassifiedRows(options, comm, simd, split, Loss::CrossEntropy, ClassifiedRows::Keep::FeaturesInUse);
  trusts_surest_ = rows_.n_rows(Level::Upper) == 0;
  const BlockPlan& plan = train().plan();
  Index knows_truth = split.is_clean.empty() ? 0 : 1;
  comm.broadcast(knows_truth);
  samples_ = {.rows = train().rows(),
              .source_row = deal_values(comm, plan, split.rows[Level::Lower].rows),
              .source_line = deal_values(comm, plan, lines_of(split.rows[Level::Lower])),
              .given = deal_values(comm, plan, split.rows[Level::Lower].labels),
              .truth = deal_values(comm, plan, split.true_labels),
              .is_clean = deal_values(comm, plan, split.is_clean),
              .knows_truth = knows_truth != 0,
              .class_names = std::move(split.class_names)};
  samples_.class_names.resize(static_cast<std::size_t>(rows_.n_classes()));
  for (std::string& class_name : samples_.class_names) {
    comm.broadcast(class_name);
  }
  if (trusts_surest_) {  // until trust() says which are the surest
    surest_.assign(samples_.given.size(), 1);
    surest_weight_ = 1;
  }
  require_few_classes(rows_.n_classes());
  cross_fit_ = std::make_unique<CrossFit>(rows_, samples_, seed_, init_);
}

void HyperCleaning::trust(std::vector<std::uint8_t> rows, Index n_in_all) {
  require(trusts_surest_ && rows.size() == samples_.given.size() && n_in_all > 0,
          "rows to trust, where none are given");
  surest_ = std::move(rows);
  surest_weight_ = static_cast<Real>(train().plan().n_rows) / static_cast<Real>(n_in_all);
}

void HyperCleaning::start(Out x, Out y) const {
  x.setZero();
  rows_.classifier().start(init_, seed_, y);
}

void HyperCleaning::add(Level level, const Block& block, InSpan x, std::span<const Probe> probes,
                        std::span<Share> shares, const BetweenHalves& between) {
  const Real mean = 1 / static_cast<Real>(block.n_rows_in_pass);
  const bool weighted = level == Level::Lower;
  const auto weigh = [&](Range rows) {  // s(x_i), or 1 for trusted rows
    if (weighted) {
      sigmoid_(x.data() + rows.begin, rows.size(), weights_.data());
    } else if (trusts_surest_) {
      const Index first = block.rows.begin + rows.begin - samples_.rows.begin;
      for (Index i = 0; i < rows.size(); ++i) {
        weights_[static_cast<std::size_t>(i)] = surest_[static_cast<std::size_t>(first + i)] != 0 ? surest_weight_ : 0;
      }
    } else {
      std::fill(weights_.begin(), weights_.end(), 1);
    }
  };
  const auto scale = [&](std::vector<Real>& weights) {
    for (Real& weight : weights) {
      weight *= mean;
    }
  };
  const bool wants_y =
      std::any_of(shares.begin(), shares.end(), [](const Share& s) { return s.wants_grad_y() || !s.hess_y.empty(); });
  const bool keeps_old = weighted && between && std::ranges::any_of(probes, &Probe::old_x);
  rows_.for_each_tile(stored(level), block.rows, block.next, [&](const Tile& tile, Range rows) {
    weigh(rows);
    if (keeps_old) {
      old_weights_ = weights_;
    }
    for (Index i = 0; i < tile.n_rows; ++i) {
      const auto row = static_cast<std::size_t>(rows.begin + i);
      const Real s = weights_[static_cast<std::size_t>(i)];
      for (std::size_t p = 0; p < probes.size(); ++p) {
        const Real loss = rows_.loss(p, i);
        shares[p].value += mean * s * loss;
        if (weighted && !shares[p].grad_x.empty()) {
          shares[p].grad_x[row] = mean * s * (1 - s) * loss;
        }
        if (weighted && !shares[p].cross_x.empty()) {
          shares[p].cross_x[row] = mean * s * (1 - s) * rows_.slope(p, i);
        }
      }
    }
    if (between) {
      between(rows);
      weigh(rows);
    }
    if (wants_y) {
      scale(weights_);
      if (keeps_old) {
        scale(old_weights_);
        rows_.backward(tile, weights_, old_weights_, probes);
      } else {
        rows_.backward(tile, weights_, shares);
      }
    }
  });
  if (wants_y) {
    rows_.collect(shares);
  }
}

void HyperCleaning::add_whole(Level level, InSpan /*x*/, const Probe& probe, Share& share) const {
  if (!has_whole(level)) {
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
  for (std::size_t i = 0; i < share.hess_y.size(); ++i) {
    share.hess_y[i] += 2 * regularisation_ * probe.v[i];
  }
}

void HyperCleaning::tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies) {
  if (level == Level::Lower) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool kept = sigmoid(x[i]) >= 0.5;
      tallies[Kept] += kept ? 1 : 0;
      if (samples_.knows_truth) {
        const bool clean = samples_.is_clean[static_cast<std::size_t>(block.rows.begin - samples_.rows.begin) + i] != 0;
        tallies[CleanKept] += kept && clean ? 1 : 0;
        tallies[CorruptedKept] += kept && !clean ? 1 : 0;
        tallies[CleanDropped] += !kept && clean ? 1 : 0;
      }
    }
  } else {
    rows_.tally(level, block, y, tallies);
  }
}

void HyperCleaning::measure(InSpan tallies, In /*x*/, In /*y*/, Metrics& metrics) const {
  rows_.measure(tallies, metrics);
  metrics.set("rows_kept", tallies[Kept]);
  if (samples_.knows_truth) {
    set_cleaning_metrics(tallies[CleanKept], tallies[CorruptedKept], tallies[CleanDropped], metrics);
  }
}

}  // namespace meha
