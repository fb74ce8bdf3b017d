// SPDX-License-Identifier: MIT
// Oracle: one pass over the rows. What was asked for is laid out in one message; every block of this rank adds its shares;
// the allreduce makes sums of them.
#include <algorithm>

#include "meha/solver/oracle.hpp"

namespace meha {
namespace {

/// Not a number is not zero.
bool is_zero(InSpan values) {
  bool any = false;
  for (const Real value : values) {
    any |= value != 0;
  }
  return !any;
}

}  // namespace

/// One visit to the rows and one allreduce, for what is wanted of `halves`. @param again  whether the next visit is to the
/// same rows
void Oracle::pass(Want halves, const RowStep& row_step, bool again) {
  find_columns(halves);
  lay_out(halves);
  {
    const Stopwatch watch(timings.compute, Stage::Compute);
    add_blocks(Level::Lower, halves, row_step, again);
    add_blocks(Level::Upper, halves, row_step, again);
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
  read_sums(halves);
}

/// Errors: what failed on some rank, on all.
void Oracle::allreduce() {
  const auto failure = problem_.failure();
  if (failure) {
    message_.raise(ExactSum::Flag::Failed);
  }
  message_.allreduce(comm_);
  if (message_.raised(ExactSum::Flag::Failed)) {
    comm_.agree(failure);
  }
}

bool Oracle::wants(Level level, Want halves) const {
  const auto uses = [&](const Request& r) { return r.level == level && (r.want & halves) != Want::Nothing; };
  return std::any_of(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(n_requests_), uses);
}

/// Those of `blocks` that this rank owns.
void Oracle::mine_of(Level level, const std::vector<Index>& blocks, std::vector<Index>& mine) const {
  const Range own = owned(level);
  std::copy_if(blocks.begin(), blocks.end(), std::back_inserter(mine),
               [&](Index id) { return id >= own.begin && id < own.end; });
}

/// Which columns of y the blocks of the pass reach, on any rank.
void Oracle::find_columns(Want halves) {
  const Columns layout = problem_.columns();
  std::span<std::uint64_t> reached;
  {
    const Stopwatch watch(timings.compute, Stage::Compute);
    reached = y_.begin(layout, problem_.n_y());
    for (const Level level : {Level::Lower, Level::Upper}) {
      if (marks_columns() && wants(level, halves)) {
        mark_columns(level, reached);
      }
    }
  }
  if (!reached.empty()) {
    const Stopwatch watch(timings.allreduce, Stage::Allreduce);
    comm_.any(reached);
  }
  const Stopwatch watch(timings.compute, Stage::Compute);
  y_.end();
}

bool Oracle::marks_columns() const {
  const Columns layout = problem_.columns();
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
    problem_.expect(level, expected_);
    for (const Index id : my_blocks_) {
      problem_.mark_columns(level, plan(level).rows(id), full ? of_all : reached);
    }
  }
  for (std::size_t i = 0; full && i < reached.size(); ++i) {
    reached[i] |= of_all[i];
  }
}

void Oracle::lay_out(Want halves) {
  constexpr Index n_row_sums = 2;
  n_sums_ = n_row_sums;
  Index n_addends = 2;
  exponent_ = problem_.share_exponent(Level::Lower, batches(Level::Lower).n_rows(k_));
  for (const Level level : {Level::Lower, Level::Upper}) {
    if (wants(level, halves)) {
      n_addends += static_cast<Index>(batches(level).blocks(k_).size());
      exponent_ = std::min(exponent_, problem_.share_exponent(level, batches(level).n_rows(k_)));
    }
  }
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    const Index n_share = meha::has(request.want & halves, Want::GradY) ? y_.size() : 0;
    if (request.share_y.size() < n_share) {
      request.share_y.resize(n_share);
    }
    request.at_value = n_sums_++;
    if (request.joins != i) {
      request.at_x = requests_[request.joins].at_x;
      request.at_y = requests_[request.joins].at_y;
      continue;
    }
    request.at_x = n_sums_;
    n_sums_ += meha::has(halves, Want::GradX) ? request.share_x.size() : 0;
    request.at_y = n_sums_;
    n_sums_ += n_share;
  }
  message_.reset(n_sums_, n_addends);
}

void Oracle::add_blocks(Level level, Want halves, const RowStep& row_step, bool again) {
  auto& [wanted, probes, shares] = work_;
  wanted.clear();
  probes.clear();
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    if (request.level == level && (request.want & halves) != Want::Nothing) {
      wanted.push_back(&request);
      probes.push_back({.y = as_span(std::as_const(*request.y)), .want = request.want & halves});
    }
  }
  if (wanted.empty()) {
    return;
  }
  shares.assign(wanted.size(), {});
  const bool x_of_rows = per_row() && level == Level::Lower;
  const BlockPlan blocks = plan(level);
  const Index n_rows_in_pass = batches(level).n_rows(k_);
  const auto reset = [&](bool with_rows, Range rows) {
    for (std::size_t p = 0; p < wanted.size(); ++p) {
      Request& request = *wanted[p];
      shares[p] = {};
      if (meha::has(probes[p].want, Want::GradX)) {
        shares[p].grad_x =
            x_of_rows && with_rows ? slice(as_span(request.result.grad_x), rows) : as_span(request.share_x);
        request.share_x.setZero();
      }
      if (meha::has(probes[p].want, Want::GradY)) {
        shares[p].grad_y = slice(as_span(request.share_y), {0, y_.size()});
        if (y_.is_whole() || !with_rows) {
          std::fill(shares[p].grad_y.begin(), shares[p].grad_y.end(), 0);
        }
      }
    }
  };
  if (y_.is_whole()) {
    problem_.begin_pass(level, probes);
  } else {
    problem_.begin_pass_in(level, probes, y_.columns());
  }
  my_blocks_.clear();
  mine_of(level, batches(level).blocks(k_), my_blocks_);
  expect(level, again);
  for (std::size_t b = 0; b < my_blocks_.size(); ++b) {
    const Index id = my_blocks_[b];
    const Block block{.id = id,
                      .rows = blocks.rows(id),
                      .n_rows_in_pass = n_rows_in_pass,
                      .next = b + 1 < my_blocks_.size() ? blocks.rows(my_blocks_[b + 1]) : Range{}};
    const Index first = owned_rows().begin;
    const Range here{block.rows.begin - first, block.rows.end - first};  // where its rows stand on this rank
    reset(true, here);
    RowSums sums;
    const auto step_rows = [&](Range rows) { row_step({here.begin + rows.begin, here.begin + rows.end}, sums); };
    BetweenHalves between;
    if (row_step && x_of_rows) {
      between = std::cref(step_rows);
    }
    const InSpan x = x_of_rows ? rows_of_x(block.rows) : per_row() ? InSpan() : as_span(std::as_const(*x_));
    problem_.add(level, block, x, probes, shares, between);
    activity().beat();
    add_shares(wanted, shares);
    if (between) {
      add_row_sums(sums);
    }
  }
  if (comm_.is_root()) {
    reset(false, {});
    for (std::size_t p = 0; p < wanted.size(); ++p) {
      Share& share = shares[p];
      if (!y_.is_whole() && !problem_.columns().all) {
        share.grad_y = {};
      }
      problem_.add_whole(level, per_row() ? InSpan() : as_span(std::as_const(*x_)), probes[p], share);
      share.grad_x = is_zero(share.grad_x) ? OutSpan() : share.grad_x;  // most problems have no such terms
      share.grad_y = is_zero(share.grad_y) ? OutSpan() : share.grad_y;
      y_.add_whole(message_, wanted[p]->at_y, share.grad_y, wanted[p]->factor, exponent_);
      share.grad_y = {};
    }
    add_shares(wanted, shares);
  }
}

/// Announces the blocks of the pass at hand and those of the next, the same `again` or the next minibatch, which may be
/// visited before for their columns.
void Oracle::expect(Level level, bool again) {
  const bool full = batches(level).full();
  expected_ = my_blocks_;
  for (int visit = marks_columns() && !full ? 0 : 1; visit < 2; ++visit) {
    if (again || full) {
      expected_.insert(expected_.end(), my_blocks_.begin(), my_blocks_.end());
    } else {
      mine_of(level, next_minibatches_[static_cast<std::size_t>(level)].blocks(k_ + 1), expected_);
    }
  }
  problem_.expect(level, expected_);
}

void Oracle::add_shares(const std::vector<Request*>& requests, std::span<Share> shares) {
  for (std::size_t p = 0; p < requests.size(); ++p) {
    const Request& request = *requests[p];
    message_.add(request.at_value, {&shares[p].value, 1}, 1, exponent_ - value_headroom);
    if (!per_row()) {
      message_.add(request.at_x, shares[p].grad_x, request.factor, exponent_);
    }
    y_.add(message_, request.at_y, shares[p], request.factor, exponent_);
  }
}

void Oracle::add_row_sums(const RowSums& sums) {
  message_.add(0, {&sums.residual_square, 1}, 1, exponent_);  // its addends are O(1/n) like a share or smaller
  message_.add(1, {&sums.step_square, 1}, 1, 0);
}

void Oracle::read_sums(Want halves) {
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    if (meha::has(request.want & halves, Want::Value)) {
      request.result.value = message_.read(request.at_value, exponent_ - value_headroom);
    }
    if (request.joins != i) {
      continue;
    }
    if (meha::has(request.want & halves, Want::GradX) && !per_row()) {
      message_.read(request.at_x, exponent_, as_span(request.result.grad_x));
    }
    if (meha::has(request.want & halves, Want::GradY)) {
      y_.read(message_, request.at_y, exponent_, as_span(request.result.grad_y));
    }
  }
  if (per_row()) {
    row_sums_ = {.residual_square = message_.read(0, exponent_), .step_square = message_.read(1, 0)};
  }
}

}  // namespace meha
