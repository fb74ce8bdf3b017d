// SPDX-License-Identifier: MIT
#include "meha/problem/cross_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "meha/core/random.hpp"
#include "meha/problem/label_noise.hpp"

namespace meha {

void CrossFit::start(Out x, Out y) const {
  x = first_transition(n_classes()).array().log().matrix();
  rows_.classifier().start(init_, seed_, y);
}

Index CrossFit::n_parts(Level level) const {
  constexpr Index few_rows = 200'000;  // more make large minibatches anyway, and may be read from disk block by block
  constexpr Index few_parameters = 32'768;  // more make a block's sums cost as much as its rows
  constexpr Index part_of_few = 64;         // trusted rows, of which a minibatch wants no more than that
  const Index block_rows = rows_.of(level).plan().block_rows;
  const Index n_trusted = n_rows(Level::Upper);
  const bool is_of_few =
      level == Level::Upper && is_linear() && 4 * n_trusted <= n_rows(Level::Lower) && n_trusted > 2 * tile_rows;
  const Index wanted = is_of_few ? block_rows / part_of_few : n_y() <= few_parameters ? 4 : 2;
  const Index unit = is_of_few ? part_of_few : tile_rows;
  return n_rows(Level::Lower) <= few_rows && wanted > 0 && block_rows % (wanted * unit) == 0 ? wanted : 1;
}

void CrossFit::expect(Level level, std::span<const Index> blocks) {
  std::vector<Index> dealt;
  for (const Index block : blocks) {
    if (const Index whole = block / n_parts(level); dealt.empty() || dealt.back() != whole) {
      dealt.push_back(whole);
    }
  }
  rows_.of(level).expect(dealt);
}

Index CrossFit::fold(Level level, Index row) const {
  return random_below(n_folds(), seed_, Stream::Fold, static_cast<Index>(level), row);
}

void CrossFit::begin_pass_in(Level /*level*/, std::span<const Probe> probes, std::span<const Index> columns) {
  rows_.begin_pass(probes, columns);
  probabilities_.resize(static_cast<std::size_t>(tile_rows * n_classes()));
  folds_.resize(tile_rows);
}

bool CrossFit::takes(const Training& training, Level level, Index row) const {
  if (level == Level::Upper || training.rows == Training::Rows::Judged || training.rows == Training::Rows::AsGiven) {
    return true;
  }
  return (memberships(row) & (training.rows == Training::Rows::Kept ? AmongKept : AmongClean)) != 0;
}

std::uint8_t CrossFit::memberships(Index row) const {
  for (const Memberships& guests : of_guests_) {
    if (row >= guests.rows.begin && row < guests.rows.end) {
      return guests.bits[static_cast<std::size_t>(row - guests.rows.begin)];
    }
  }
  const auto at = static_cast<std::size_t>(row - labels_.rows.begin);
  const bool is_kept = !kept_.empty() && kept_[at] != 0;
  const bool is_clean = !labels_.truth.empty() && labels_.given[at] == labels_.truth[at];
  return static_cast<std::uint8_t>((is_kept ? AmongKept : 0) | (is_clean ? AmongClean : 0));
}

void CrossFit::pack(Level level, Range rows, std::vector<std::byte>& to) const {
  rows_.of(level).pack(rows, to);
  for (Index row = rows.begin; row < rows.end && level == Level::Lower; ++row) {
    to.push_back(static_cast<std::byte>(memberships(row)));
  }
}

std::size_t CrossFit::take_in(Level level, Range rows, std::span<const std::byte> packed) {
  std::size_t n_bytes = rows_.of(level).take_in(rows, packed);
  if (level == Level::Lower) {
    Memberships& guests = of_guests_.emplace_back();
    guests.rows = rows;
    for (Index row = rows.begin; row < rows.end; ++row) {
      guests.bits.push_back(static_cast<std::uint8_t>(packed[n_bytes++]));
    }
  }
  return n_bytes;
}

void CrossFit::dismiss(bool keeps_room) {
  of_guests_.clear();
  for (const Level level : {Level::Lower, Level::Upper}) {
    rows_.of(level).dismiss(keeps_room);
  }
}

void CrossFit::add(Level level, const Block& block, InSpan x, std::span<const Probe> /*probes*/,
                   std::span<Share> shares, const BetweenHalves& /*between*/) {
  const std::vector<Training>& trainings = trainings_[static_cast<std::size_t>(level)];
  require(trainings.size() == shares.size(), "one training for each probe");
  const auto n = static_cast<std::size_t>(n_classes());
  const Real mean = 1 / static_cast<Real>(block.n_rows_in_pass);
  transition_.resize(static_cast<Index>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    transition_[static_cast<Index>(i)] = std::exp(x[i]);
  }
  std::vector<Real> p(n);
  rows_.for_each_tile(level, block.rows, block.next, [&](const Tile& tile, Range rows) {
    const Index first = block.rows.begin + rows.begin;
    for (Index i = 0; i < tile.n_rows; ++i) {
      folds_[static_cast<std::size_t>(i)] = fold(level, first + i);
    }
    const auto of_tile = OutSpan(probabilities_).first(static_cast<std::size_t>(tile.n_rows) * n);
    for (std::size_t model = 0; model < shares.size(); ++model) {
      const Training& training = trainings[model];
      Share& share = shares[model];
      const bool noisy = level == Level::Lower && training.rows == Training::Rows::Judged;
      rows_.classifier().probabilities(model, of_tile);
      for (Index i = 0; i < tile.n_rows; ++i) {
        const OutSpan q = of_tile.subspan(static_cast<std::size_t>(i) * n, n);
        const Label label = tile.labels[i];
        const auto at_label = static_cast<std::size_t>(label);
        Real likelihood = q[at_label];
        if (noisy) {
          likelihood = posterior(q, as_span(transition_), label, p);
        }
        const bool held_out = folds_[static_cast<std::size_t>(i)] == training.fold;
        if (held_out || training.fold == Training::no_fold) {
          share.value -= mean * std::log(std::max(likelihood, std::numeric_limits<Real>::min()));
          for (std::size_t k = 0; noisy && !share.grad_x.empty() && k < n; ++k) {
            share.grad_x[k * n + at_label] -= mean * p[k];
          }
        }
        if (held_out || !takes(training, level, first + i)) {
          std::fill(q.begin(), q.end(), 0);
          continue;
        }
        for (std::size_t k = 0; k < n; ++k) {  // the residual takes the place of q
          q[k] = mean * training.weight * (q[k] - (noisy ? p[k] : k == at_label ? 1 : 0));
        }
      }
      rows_.classifier().set_residuals(model, tile, of_tile);
    }
    rows_.classifier().backward(tile);
  });
  rows_.collect(shares);
}

CrossFit::FirstLayer CrossFit::first_layer() const {
  const NamedArray weights = rows_.classifier().parameters().front();
  return {.n_units = weights.shape.front(), .n_features = rows_.n_features()};
}

void CrossFit::add_features(Level level, Index block, OutSpan sums) const {
  const RowSet& set = rows_.of(level);
  const Tile tile = set.tile(set.plan().rows(block));
  const auto n = static_cast<Index>(sums.size());
  const auto add = [&](auto value_of) {
    for (Index row = 0; row < tile.n_rows; ++row) {
      for (Index j = 0; j < n; ++j) {
        sums[static_cast<std::size_t>(j)] += value_of(row * n + j);
      }
    }
  };
  if (tile.element == Storage::UInt8) {
    add([&](Index i) { return std::to_integer<int>(tile.features[i]) * feature_scale(Storage::UInt8); });
  } else {
    const auto* const values = reinterpret_cast<const float*>(tile.features);
    add([&](Index i) { return static_cast<Real>(values[i]); });
  }
}

std::vector<Index> CrossFit::own_blocks(Level level, Index stride) const {
  const RowSet& set = rows_.of(level);
  std::vector<Index> blocks;
  for (Index first = set.rows().begin; first < set.rows().end; first += set.plan().block_rows) {
    if (const Index id = first / set.plan().block_rows; id % stride == 0) {
      blocks.push_back(id);
    }
  }
  return blocks;
}

void CrossFit::visit(Level level, std::span<const Index> blocks, std::span<const InSpan> models, const SeeRow& see) {
  std::vector<Probe> probes;
  for (const InSpan model : models) {
    probes.push_back({.y = model, .want = Want::Nothing});
  }
  begin_pass(level, probes);
  const RowSet& set = rows_.of(level);
  set.expect(blocks);
  const auto n = static_cast<std::size_t>(n_classes());
  std::vector<Real> q(models.size() * n);
  std::vector<Real> all(models.size() * probabilities_.size());
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Range block = set.plan().rows(blocks[b]);
    const Range next = b + 1 < blocks.size() ? set.plan().rows(blocks[b + 1]) : Range{};
    rows_.for_each_tile(level, block, next, [&](const Tile& tile, Range rows) {
      const auto n_of_tile = static_cast<std::size_t>(tile.n_rows) * n;
      for (std::size_t model = 0; model < models.size(); ++model) {
        rows_.classifier().probabilities(model, OutSpan(all).subspan(model * probabilities_.size(), n_of_tile));
      }
      for (Index i = 0; i < tile.n_rows; ++i) {
        for (std::size_t model = 0; model < models.size(); ++model) {
          const auto from = all.begin() + static_cast<std::ptrdiff_t>(model * probabilities_.size() +
                                                                      static_cast<std::size_t>(i) * n);
          std::copy_n(from, n, q.begin() + static_cast<std::ptrdiff_t>(model * n));
        }
        see(block.begin + rows.begin + i, tile.labels[i], q);
      }
    });
  }
  if (const auto failure = rows_.failure()) {
    throw Error(*failure);
  }
}

}  // namespace meha
