// SPDX-License-Identifier: MIT
// Oracle: one pass over the rows. What was asked for is laid out in one message; every block of this rank adds its shares;
// the allreduce makes sums of them.
#include <algorithm>

#include "meha/solver/oracle.hpp"

namespace meha {

/// One visit to the rows and one allreduce, for what is wanted of this half. @param again  whether the next visit is to the
/// same rows
void Oracle::pass(Half half, const RowStep& row_step, Step when, bool again) {
  find_columns(half);
  lay_out(half);
  count(half);
  {
    const Stopwatch watch(timings.compute, Stage::Compute);
    add_blocks(Level::Lower, half, row_step, when, again);
    add_blocks(Level::Upper, half, row_step, when, again);
    for (const RowSums& sums : root_row_sums_) {
      add_row_sums(sums);
    }
    root_row_sums_.clear();
  }
  if (poll) {
    const Requests mine = poll();
    const auto raise_if = [&](bool raised, ExactSum::Flag flag) {
      if (raised) {
        message_.raise(flag);
      }
    };
    raise_if(mine.stop, ExactSum::Flag::Stop);
    raise_if(mine.time_limit, ExactSum::Flag::TimeLimit);
    raise_if(mine.checkpoint, ExactSum::Flag::Checkpoint);
  }
  {
    const Stopwatch watch(timings.allreduce, Stage::Allreduce);
    allreduce();
  }
  const Stopwatch watch(timings.compute, Stage::Compute);
  const auto note = [&](bool& agreed, ExactSum::Flag flag) { agreed = agreed || message_.raised(flag); };
  note(agreed_.not_finite, ExactSum::Flag::NotFinite);
  note(agreed_.stop, ExactSum::Flag::Stop);
  note(agreed_.time_limit, ExactSum::Flag::TimeLimit);
  note(agreed_.checkpoint, ExactSum::Flag::Checkpoint);
  read_sums(half);
}

/// A point of a sweep counts once, in the pass that has its first half; work counts in every pass.
void Oracle::count(Half half) {
  ++counts.passes;
  const bool is_second = half == Half::Second;
  const Index points_of_difference = problem_.has_products() ? 0 : 2;
  for (std::size_t i = 0; i < n_requests_; ++i) {
    const Request& request = requests_[i];
    const Index n_rows = batches(request.level).n_rows(k_);
    Counts::OfLevel& level = counts.level[static_cast<std::size_t>(request.level)];
    const auto counted = [&](Want kind, Index& times, Index n_points) {
      const bool now = meha::has(want_in(request, half), kind);
      const bool before = is_second && meha::has(request.want & kind, Want::Value | Want::GradX | Want::CrossX);
      times += now && !before ? n_rows : 0;
      level.work += now ? n_rows * n_points : 0;
    };
    counted(Want::Value | Want::GradX | Want::GradY, level.visits, 1);
    counted(products, points_of_difference > 0 ? level.differences : level.products,
            std::max<Index>(1, points_of_difference));
  }
}

/// Errors: what failed on some rank, on all.
void Oracle::allreduce() {
  std::optional<Error> failure = std::exchange(failure_, std::nullopt);
  if (RowReader* const reader = problem_.row_reader(); reader != nullptr && !failure) {
    failure = reader->failure();
  }
  if (failure) {
    message_.raise(ExactSum::Flag::Failed);
  }
  message_.allreduce(comm_);
  ++counts.allreduces;
  counts.bytes += message_.bytes();
  if (message_.raised(ExactSum::Flag::Failed)) {
    comm_.agree(failure);
  }
}

bool Oracle::wants(Level level, Half half) const {
  const auto uses = [&](const Request& r) { return r.level == level && want_in(r, half) != Want::Nothing; };
  return std::any_of(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(n_requests_), uses);
}

/// Those of `blocks` that this rank owns.
void Oracle::mine_of(Level level, const std::vector<Index>& blocks, std::vector<Index>& mine) const {
  const Range own = owned(level);
  std::copy_if(blocks.begin(), blocks.end(), std::back_inserter(mine),
               [&](Index id) { return id >= own.begin && id < own.end; });
}

/// Which columns of y the blocks of the pass reach, on any rank.
void Oracle::find_columns(Half half) {
  std::span<std::uint64_t> reached;
  {
    const Stopwatch watch(timings.compute, Stage::Compute);
    reached = y_.begin(columns(), problem_.n_y());
    for (const Level level : {Level::Lower, Level::Upper}) {
      if (marks_columns() && wants(level, half)) {
        guarded([&] { mark_columns(level, reached); });
      }
    }
  }
  if (!reached.empty()) {
    const Stopwatch watch(timings.allreduce, Stage::Allreduce);
    comm_.any(reached);
    ++counts.allreduces;
    counts.bytes += std::ssize(reached) * Index{sizeof(reached[0])};
  }
  const Stopwatch watch(timings.compute, Stage::Compute);
  y_.end();
}

/// Returns how y stands in columns; none where the problem knows no passes over few.
Columns Oracle::columns() const {
  const ColumnPasses* const passes = problem_.column_passes();
  return passes != nullptr ? passes->columns() : Columns{};
}

bool Oracle::marks_columns() const {
  const Columns layout = columns();
  return layout.n_columns > 0 && !layout.all;
}

/// Sets the bits of the columns that this rank's blocks of the pass reach. Those of all blocks are looked for once.
void Oracle::mark_columns(Level level, std::span<std::uint64_t> reached) {
  auto& of_all = columns_of_all_[static_cast<std::size_t>(level)];
  const bool full = batches(level).full();
  if (!full || of_all.empty()) {
    of_all.resize(full ? reached.size() : of_all.size());
    my_blocks_.clear();
    mine_of(level, batches(level).blocks(k_), my_blocks_);
    expected_ = my_blocks_;
    expected_.insert(expected_.end(), my_blocks_.begin(), my_blocks_.end());
    announce(level);
    const ColumnPasses& passes = *problem_.column_passes();
    for (const Index id : my_blocks_) {
      passes.mark_columns(level, plan(level).rows(id), full ? of_all : reached);
    }
  }
  for (std::size_t i = 0; full && i < reached.size(); ++i) {
    reached[i] |= of_all[i];
  }
}

void Oracle::lay_out(Half half) {
  constexpr Index n_row_sums = 2;
  n_sums_ = n_row_sums;
  Index n_addends = 2;
  exponent_ = problem_.share_exponent(Level::Lower, batches(Level::Lower).n_rows(k_));
  for (const Level level : {Level::Lower, Level::Upper}) {
    if (wants(level, half)) {
      n_addends += static_cast<Index>(batches(level).blocks(k_).size());
      exponent_ = std::min(exponent_, problem_.share_exponent(level, batches(level).n_rows(k_)));
    }
  }
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    request.at_value = n_sums_++;
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      Part& part = request.parts[q];
      const bool is_wanted = meha::has(want_in(request, half), quantities[q].want);
      if (!quantities[q].of_x && is_wanted && part.share.size() < y_.size()) {
        part.share.resize(y_.size());
      }
      part.size = !is_wanted ? 0 : quantities[q].of_x ? part.share.size() : y_.size();
      part.at = request.joins == i ? n_sums_ : requests_[request.joins].parts[q].at;
      n_sums_ += request.joins == i ? part.size : 0;
    }
  }
  message_.reset(n_sums_, n_addends);
}

void Oracle::read_sums(Half half) {
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    if (meha::has(want_in(request, half), Want::Value)) {
      request.result.value = message_.read(request.at_value, exponent_ - value_headroom);
    }
    if (request.joins != i) {
      continue;
    }
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const auto& [kind, of_x, share, result] = quantities[q];
      if (!meha::has(want_in(request, half), kind) || (of_x && per_row())) {
        continue;
      }
      Vec& sum = request.result.*result;
      if (of_x) {
        message_.read(request.parts[q].at, exponent_, as_span(sum));
      } else {
        y_.read(message_, request.parts[q].at, exponent_, as_span(sum));
      }
      if (meha::has(kind, products)) {
        sum *= request.length;
      }
    }
  }
  if (per_row()) {
    row_sums_ = {.residual_square = message_.read(0, exponent_), .step_square = message_.read(1, 0)};
  }
}

}  // namespace meha
