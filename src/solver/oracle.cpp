// SPDX-License-Identifier: MIT
#include "meha/solver/oracle.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace meha {
namespace {

constexpr Want everything = Want::Value | Want::GradX | Want::GradY;

}  // namespace

Oracle::Oracle(Problem& problem, Communicator& comm, const Setup& setup)
    : problem_(problem),
      comm_(comm),
      setup_(setup),
      minibatches_{Minibatches(plan(Level::Lower), setup.batch_lower, setup.seed, Stream::LowerBatch),
                   Minibatches(plan(Level::Upper), setup.batch_upper, setup.seed, Stream::UpperBatch)},
      next_minibatches_(minibatches_),
      all_blocks_{Minibatches(plan(Level::Lower), 0, setup.seed, Stream::LowerBatch),
                  Minibatches(plan(Level::Upper), 0, setup.seed, Stream::UpperBatch)},
      message_(setup.sum) {
  const BlockPlan rows{.n_rows = problem_.n_rows(Level::Lower), .block_rows = setup.block_rows};
  for (int rank = 0; rank < comm.size(); ++rank) {
    owned_rows_.push_back(meha::owned_rows(rows, rank, comm.weights()));
    stored_rows_.push_back(setup.placement == Placement::Sharded ? owned_rows_.back()
                           : rank == 0                           ? Range{0, rows.n_rows}
                                                                 : Range{rows.n_rows, rows.n_rows});
  }
}

BlockPlan Oracle::plan(Level level) const {
  return {.n_rows = problem_.n_rows(level), .block_rows = setup_.block_rows / setup_.n_parts};
}

Index Oracle::stored_x_size() const {
  return per_row() ? stored_rows_[static_cast<std::size_t>(comm_.rank())].size() : problem_.n_x();
}

bool Oracle::remote() const {
  return per_row() && setup_.placement == Placement::Root && comm_.size() > 1;
}

Minibatches& Oracle::batches(Level level) {
  return (full_ ? all_blocks_ : minibatches_)[static_cast<std::size_t>(level)];
}

Range Oracle::owned(Level level) const {
  const BlockPlan dealt{.n_rows = problem_.n_rows(level), .block_rows = setup_.block_rows};
  const Range own = owned_blocks(dealt.n_blocks(), comm_.rank(), comm_.weights());
  const Index n_blocks = plan(level).n_blocks();
  return {std::min(own.begin * setup_.n_parts, n_blocks), std::min(own.end * setup_.n_parts, n_blocks)};
}

/// These rows of x as this rank computes with them. @param rows  owned here
OutSpan Oracle::rows_of_x(Range rows) {
  const Index first = owned_rows().begin;
  return slice(as_span(remote() ? x_here_ : *x_), {rows.begin - first, rows.end - first});
}

Sweep Oracle::sweep(Vec& x, Index k) {
  return open(x, k, false);
}

Sweep Oracle::full_sweep(Vec& x) {
  return open(x, 0, true);
}

Sweep Oracle::open(Vec& x, Index k, bool full) {
  x_ = &x;
  k_ = k;
  full_ = full;
  n_requests_ = 0;
  row_sums_ = {};
  if (remote()) {
    bring_x(x);
  }
  return Sweep(*this);
}

/// remote(): hands each rank its rows of x.
void Oracle::bring_x(const Vec& x) {
  x_here_.resize(owned_rows().size());
  comm_.scatter_rows(owned_rows_, as_span(x_here_),
                     [&](Index first, OutSpan piece) { std::copy_n(x.data() + first, piece.size(), piece.begin()); });
}

std::size_t Oracle::add_request(Level level, const Vec& y, Want want) {
  if (n_requests_ == requests_.size()) {
    requests_.emplace_back();
  }
  Request& request = requests_[n_requests_];
  request.level = level;
  request.y = &y;
  const bool no_x = !meha::has(want, Want::GradX) || (per_row() && level == Level::Upper);
  request.want = no_x ? want & (Want::Value | Want::GradY) : want;
  request.factor = 1;
  request.joins = n_requests_;
  request.result.value = 0;
  const Index n_rows_here = owned_rows().size();
  const bool x_of_rows = per_row() && level == Level::Lower;
  request.result.grad_x.resize(no_x ? 0 : x_of_rows ? n_rows_here : problem_.n_x());
  request.share_x.resize(no_x || per_row() ? 0 : problem_.n_x());
  request.result.grad_y.resize(meha::has(want, Want::GradY) ? problem_.n_y() : 0);
  return n_requests_++;
}

std::size_t Oracle::request_of(const Result& result) const {
  for (std::size_t i = 0; i < n_requests_; ++i) {
    if (&requests_[i].result == &result) {
      return i;
    }
  }
  require(false, "a result is joined only within its own sweep");
  return 0;
}

const Result& Sweep::add_upper(const Vec& y, Want want, Real factor, const Result& into) {
  const std::size_t target = oracle_.request_of(into);
  auto& request = oracle_.requests_[oracle_.add_request(Level::Upper, y, want)];
  const Want joined = request.want & oracle_.requests_[target].want;
  require((request.want & (Want::GradX | Want::GradY)) == (joined & (Want::GradX | Want::GradY)),
          "gradients join only gradients that are wanted there");
  request.factor = factor;
  request.joins = target;
  return request.result;
}

void Oracle::run(const RowStep& row_step) {
  agreed_ = {};
  if (!row_step || (per_row() && !remote())) {
    pass(everything, row_step);
    return;
  }
  pass(Want::Value | Want::GradX, {}, true);
  if (remote()) {
    step_rows_on_root(row_step);
  } else {
    on_root([&] { row_step({0, x_->size()}, row_sums_); }, *x_);
  }
  pass(Want::GradY, {});
}

/// Gathers the gradients of the rows, steps x on rank 0 block by block, and hands the new rows of x back.
void Oracle::step_rows_on_root(const RowStep& row_step) {
  const Stopwatch watch(timings.update, Stage::Update);
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Vec& grad_x = requests_[i].result.grad_x;
    if (requests_[i].level != Level::Lower || !meha::has(requests_[i].want, Want::GradX)) {
      continue;
    }
    Vec all(comm_.is_root() ? n_lower_rows() : 0);
    comm_.gather_rows(owned_rows_, as_span(std::as_const(grad_x)),
                      [&](Index first, InSpan piece) { std::copy(piece.begin(), piece.end(), all.data() + first); });
    if (comm_.is_root()) {
      grad_x.swap(all);
    }
  }
  if (comm_.is_root()) {
    const BlockPlan blocks = plan(Level::Lower);
    for (const Index block : batches(Level::Lower).blocks(k_)) {
      RowSums sums;
      row_step(blocks.rows(block), sums);
      root_row_sums_.push_back(sums);
    }
  }
  bring_x(*x_);
}

Vec Oracle::tally(Vec& x, const Vec& y) {
  open(x, 0, true);
  constexpr std::array levels = {Level::Lower, Level::Upper, Level::Test, Level::Holdout};
  Index n_blocks = 0;
  for (const Level level : levels) {
    n_blocks += plan(level).n_blocks();
  }
  message_.reset(problem_.n_tallies(), n_blocks);
  Vec share(problem_.n_tallies());
  for (const Level level : levels) {
    const BlockPlan blocks = plan(level);
    const Range own_blocks = owned(level);
    expected_.resize(static_cast<std::size_t>(own_blocks.size()));
    std::iota(expected_.begin(), expected_.end(), own_blocks.begin);
    if (level == Level::Test || level == Level::Holdout) {  // of the others hardly anything is tallied row by row
      problem_.expect(level, expected_);
    }
    for (Index id = own_blocks.begin; id < own_blocks.end; ++id) {
      const Block block{.id = id, .rows = blocks.rows(id), .n_rows_in_pass = blocks.n_rows};
      const bool x_of_rows = per_row() && level == Level::Lower;
      const InSpan x_here = x_of_rows ? rows_of_x(block.rows) : per_row() ? InSpan() : as_span(std::as_const(x));
      share.setZero();
      problem_.tally(level, block, x_here, as_span(y), as_span(share));
      activity().beat();
      message_.add(0, as_span(share), 1, -value_headroom);
    }
  }
  allreduce();
  message_.read(0, -value_headroom, as_span(share));
  if (message_.raised(ExactSum::Flag::NotFinite)) {
    share.setConstant(std::numeric_limits<Real>::quiet_NaN());
  }
  return share;
}

InSpan Oracle::owned_x(const Vec& x) {
  if (!remote()) {
    return as_span(x);
  }
  bring_x(x);
  return as_span(std::as_const(x_here_));
}

Vec Oracle::stored_x(Vec of_owned_rows) const {
  if (!remote()) {
    return of_owned_rows;
  }
  Vec all(comm_.is_root() ? n_lower_rows() : 0);
  comm_.gather_rows(owned_rows_, as_span(std::as_const(of_owned_rows)),
                    [&](Index first, InSpan piece) { std::copy(piece.begin(), piece.end(), all.data() + first); });
  return all;
}

}  // namespace meha
