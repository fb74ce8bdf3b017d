// SPDX-License-Identifier: MIT
#include "meha/solver/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace meha {
namespace {

constexpr Want at_x = Want::Value | Want::GradX | Want::CrossX;
constexpr Want at_new_x = Want::GradY | Want::HessY;

/// The power of two that v is about as long as; 1 where v is zero or not finite.
Real length_of(const Vec& v) {
  const Real norm = v.norm();
  return norm > 0 && std::isfinite(norm) ? std::exp2(std::ilogb(norm)) : 1;
}

}  // namespace

Oracle::Oracle(Problem& problem, Communicator& comm, const Setup& setup)
    : problem_(problem),
      visit_(problem),
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

Index Oracle::n_parts(Level level) const {
  return level == Level::Lower || level == Level::Upper ? setup_.n_parts[static_cast<std::size_t>(level)] : 1;
}

BlockPlan Oracle::plan(Level level) const {
  return {.n_rows = problem_.n_rows(level), .block_rows = setup_.block_rows / n_parts(level)};
}

Index Oracle::stored_x_size() const {
  return per_row() ? stored_rows_[static_cast<std::size_t>(comm_.rank())].size() : problem_.n_x();
}

Minibatches& Oracle::batches(Level level) {
  return (full_ ? all_blocks_ : minibatches_)[static_cast<std::size_t>(level)];
}

Range Oracle::owned(Level level) const {
  const BlockPlan dealt{.n_rows = problem_.n_rows(level), .block_rows = setup_.block_rows};
  const Range own = owned_blocks(dealt.n_blocks(), comm_.rank(), comm_.weights());
  const Index n_blocks = plan(level).n_blocks();
  return {std::min(own.begin * n_parts(level), n_blocks), std::min(own.end * n_parts(level), n_blocks)};
}

std::vector<Index> Oracle::own_blocks_of_step(Level level, Index k) {
  std::vector<Index> mine;
  mine_of(level, blocks_of_step(level, k), mine);
  return mine;
}

/// These rows of x as this rank computes with them. @param rows  owned here
OutSpan Oracle::rows_of_x(Range rows) {
  const Index first = owned_rows().begin;
  return slice(as_span(is_remote() ? x_here_ : *x_), {rows.begin - first, rows.end - first});
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
  if (is_remote()) {
    bring_x(x);
  }
  return Sweep(*this);
}

/// is_remote(): hands each rank its rows of x.
void Oracle::bring_x(const Vec& x) {
  x_here_.resize(owned_rows().size());
  comm_.scatter_rows(owned_rows_, as_span(x_here_),
                     [&](Index first, OutSpan piece) { std::copy_n(x.data() + first, piece.size(), piece.begin()); });
}

std::size_t Oracle::add_request(Level level, const Vec& y, Want want, const Vec* v) {
  require(v != nullptr || !meha::has(want, products), "products need a direction");
  if (n_requests_ == requests_.size()) {
    requests_.emplace_back();
  }
  Request& request = requests_[n_requests_];
  const bool no_x = per_row() && level == Level::Upper;
  request.level = level;
  request.y = &y;
  request.want = no_x ? want & (Want::Value | at_new_x) : want;
  request.factor = 1;
  request.joins = n_requests_;
  request.old_x = false;
  request.result.value = 0;
  const Index n_x = per_row() ? owned_rows().size() : problem_.n_x();
  for (std::size_t q = 0; q < quantities.size(); ++q) {
    const auto& [kind, of_x, share, result] = quantities[q];
    const bool is_wanted = meha::has(request.want, kind);
    (request.result.*result).resize(!is_wanted ? 0 : of_x ? n_x : problem_.n_y());
    if (of_x) {
      request.parts[q].share.resize(is_wanted && !per_row() ? n_x : 0);
    }
  }
  if (meha::has(request.want, products)) {
    request.length = length_of(*v);
    request.v = *v / request.length;
  }
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

const Result& Sweep::add_upper(const Vec& y, Want want, Real factor, const Result& into, const Vec* v) {
  const std::size_t target = oracle_.request_of(into);
  auto& request = oracle_.requests_[oracle_.add_request(Level::Upper, y, want, v)];
  const Want sums = request.want & (Want::GradX | Want::GradY | products);
  require((sums & oracle_.requests_[target].want) == sums,
          "gradients and products join only those that are wanted there");
  request.factor = factor;
  request.joins = target;
  return request.result;
}

bool Oracle::keeps_old_x() const {
  return std::any_of(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(n_requests_),
                     [](const Request& request) { return request.old_x; });
}

Want Oracle::want_in(const Request& request, Half half) const {
  const bool old_x = requests_[request.joins].old_x;
  const Want first = old_x ? at_x | at_new_x : at_x;
  const Want second = old_x ? Want::Nothing : at_new_x;
  return request.want & (half == Half::First ? first : half == Half::Second ? second : at_x | at_new_x);
}

void Oracle::run(const RowStep& row_step, Step when, bool again) {
  const bool between = when == Step::Between;
  if (per_row() && !is_remote() && between && keeps_old_x() && !problem_.takes_old_x()) {
    pass(Half::First, row_step, Step::After, true);
    const RowSums of_step = row_sums_;
    pass(Half::Second, {}, Step::None, again);
    row_sums_ = of_step;
    return;
  }
  if (when == Step::None || (per_row() && !is_remote())) {
    pass(Half::Both, row_step, when, again);
    return;
  }
  pass(between ? Half::First : Half::Both, {}, Step::None, between || again);
  if (is_remote()) {
    step_rows_on_root(row_step);
  } else {
    on_root([&] { row_step({0, x_->size()}, row_sums_); }, *x_);
  }
  if (between) {
    pass(Half::Second, {}, Step::None, again);
    return;
  }
  for (const RowSums& sums : std::exchange(root_row_sums_, {})) {
    row_sums_.residual_square += sums.residual_square;
    row_sums_.step_square += sums.step_square;
  }
}

/// Gathers the gradients of the rows, steps x on rank 0 block by block, and hands the new rows of x back.
void Oracle::step_rows_on_root(const RowStep& row_step) {
  const Stopwatch watch(timings.update, Stage::Update);
  for (std::size_t i = 0; i < n_requests_; ++i) {
    for (const auto& [kind, of_x, share, result] : quantities) {
      if (requests_[i].level != Level::Lower || !of_x || !meha::has(requests_[i].want, kind)) {
        continue;
      }
      Vec& here = requests_[i].result.*result;
      Vec all(comm_.is_root() ? n_lower_rows() : 0);
      comm_.gather_rows(owned_rows_, as_span(std::as_const(here)),
                        [&](Index first, InSpan piece) { std::copy(piece.begin(), piece.end(), all.data() + first); });
      if (comm_.is_root()) {
        here.swap(all);
      }
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

void Oracle::measure(Vec& x, const Vec& y, Metrics& metrics) {
  OwnMetrics* const own = problem_.own_metrics();
  Vec tallies(own != nullptr ? own->n_tallies() : 0);
  open(x, 0, true);
  constexpr std::array levels = {Level::Lower, Level::Upper, Level::Test, Level::Holdout};
  Index n_blocks = 0;
  for (const Level level : levels) {
    n_blocks += plan(level).n_blocks();
  }
  message_.reset(tallies.size(), n_blocks);
  for (const Level level : levels) {
    if (tallies.size() > 0) {
      tally(*own, level, x, y, tallies);
    }
  }
  allreduce();
  message_.read(0, -value_headroom, as_span(tallies));
  if (message_.raised(ExactSum::Flag::NotFinite)) {
    tallies.setConstant(std::numeric_limits<Real>::quiet_NaN());
  }
  if (own != nullptr && comm_.is_root()) {
    own->measure(as_span(std::as_const(tallies)), per_row() ? Vec() : x, y, metrics);
  }
}

/// Adds the tallies of this rank's blocks of a level to the message. @param share  (n_tallies), of one block after the other
void Oracle::tally(OwnMetrics& own, Level level, const Vec& x, const Vec& y, Vec& share) {
  const BlockPlan blocks = plan(level);
  const Range own_blocks = owned(level);
  expected_.resize(static_cast<std::size_t>(own_blocks.size()));
  std::iota(expected_.begin(), expected_.end(), own_blocks.begin);
  if (level == Level::Test || level == Level::Holdout) {  // of the others hardly anything is tallied row by row
    announce(level);
  }
  for (const Index id : expected_) {
    const Block block{.id = id, .rows = blocks.rows(id), .n_rows_in_pass = blocks.n_rows};
    const bool x_of_rows = per_row() && level == Level::Lower;
    const InSpan x_here = x_of_rows ? rows_of_x(block.rows) : per_row() ? InSpan() : as_span(x);
    share.setZero();
    guarded([&] { own.tally(level, block, x_here, as_span(y), as_span(share)); });
    activity().beat();
    message_.add(0, as_span(std::as_const(share)), 1, -value_headroom);
  }
}

InSpan Oracle::owned_x(const Vec& x) {
  if (!is_remote()) {
    return as_span(x);
  }
  bring_x(x);
  return as_span(std::as_const(x_here_));
}

Vec Oracle::stored_x(Vec of_owned_rows) const {
  if (!is_remote()) {
    return of_owned_rows;
  }
  Vec all(comm_.is_root() ? n_lower_rows() : 0);
  comm_.gather_rows(owned_rows_, as_span(std::as_const(of_owned_rows)),
                    [&](Index first, InSpan piece) { std::copy(piece.begin(), piece.end(), all.data() + first); });
  return all;
}

}  // namespace meha
