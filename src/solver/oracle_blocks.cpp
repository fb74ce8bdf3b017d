// SPDX-License-Identifier: MIT
// Oracle: the blocks of a pass. Each adds its shares of what is wanted to the message; rows of x are stepped on the way.
#include <algorithm>

#include "meha/solver/oracle.hpp"

namespace meha {
namespace {

constexpr std::size_t at_grad_y = 1;  // among the quantities
static_assert(quantities[at_grad_y].want == Want::GradY);

/// Not a number is not zero.
bool is_zero(InSpan values) {
  bool any = false;
  for (const Real value : values) {
    any |= value != 0;
  }
  return !any;
}

}  // namespace

/// Gathers the probes of this level and begins the pass over it. @return whether there are any
bool Oracle::open_level(Level level, Half half) {
  auto& [wanted, probes, shares] = work_;
  wanted.clear();
  probes.clear();
  for (std::size_t i = 0; i < n_requests_; ++i) {
    Request& request = requests_[i];
    const Want want = want_in(request, half);
    if (request.level == level && want != Want::Nothing) {
      wanted.push_back(&request);
      probes.push_back({.y = as_span(std::as_const(*request.y)),
                        .want = want,
                        .v = meha::has(want, products) ? as_span(std::as_const(request.v)) : InSpan(),
                        .old_x = request.old_x});
    }
  }
  shares.assign(wanted.size(), {});
  if (!wanted.empty()) {
    guarded([&] { visit_.begin(level, probes, y_.is_whole() ? std::span<const Index>() : y_.columns()); });
  }
  return !wanted.empty();
}

/// Zeros. @param here  where the block's rows stand on this rank
void Oracle::reset_shares(Level level, bool of_block, Range here) {
  auto& [wanted, probes, shares] = work_;
  const bool x_of_rows = of_block && per_row() && level == Level::Lower;
  for (std::size_t p = 0; p < wanted.size(); ++p) {
    Request& request = *wanted[p];
    shares[p] = {};
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const auto& [kind, of_x, share, result] = quantities[q];
      if (!meha::has(probes[p].want, kind)) {
        continue;
      }
      if (q == at_grad_y && of_block && problem_.gives_pieces() && y_.is_whole()) {
        request.take_grad_y = [this, &request](Index first, InSpan numbers) {
          message_.add(request.parts[at_grad_y].at + first, numbers, request.factor, exponent_);
        };
        shares[p].take_grad_y = &request.take_grad_y;
        continue;
      }
      OutSpan& into = shares[p].*share;
      into = of_x && x_of_rows ? slice(as_span(request.result.*result), here)
                               : slice(as_span(request.parts[q].share), {0, request.parts[q].size});
      if (of_x ? !x_of_rows : y_.is_whole() || !of_block) {
        std::fill(into.begin(), into.end(), 0);
      }
    }
  }
}

void Oracle::add_blocks(Level level, Half half, const RowStep& row_step, Step when, bool again) {
  if (!open_level(level, half)) {
    return;
  }
  const BlockPlan blocks = plan(level);
  const Index n_rows_in_pass = batches(level).n_rows(k_);
  my_blocks_.clear();
  mine_of(level, batches(level).blocks(k_), my_blocks_);
  expect(level, again);
  for (std::size_t b = 0; b < my_blocks_.size(); ++b) {
    const Block block{.id = my_blocks_[b],
                      .rows = blocks.rows(my_blocks_[b]),
                      .n_rows_in_pass = n_rows_in_pass,
                      .next = b + 1 < my_blocks_.size() ? blocks.rows(my_blocks_[b + 1]) : Range{}};
    guarded([&] { add_block(level, block, row_step, when); });
  }
  if (comm_.is_root() && problem_.has_whole(level)) {
    guarded([&] { add_once(level); });
  }
}

void Oracle::add_block(Level level, const Block& block, const RowStep& row_step, Step when) {
  const bool x_of_rows = per_row() && level == Level::Lower;
  const Index first = owned_rows().begin;
  const Range here{block.rows.begin - first, block.rows.end - first};  // where its rows stand on this rank
  reset_shares(level, true, here);
  RowSums sums;
  const auto step_rows = [&](Range rows) {
    const Range mine{here.begin + rows.begin, here.begin + rows.end};
    undo_scale(mine);
    row_step(mine, sums);
  };
  BetweenHalves between;
  if (x_of_rows && when == Step::Between) {
    between = std::cref(step_rows);
  }
  const InSpan x = x_of_rows ? rows_of_x(block.rows) : per_row() ? InSpan() : as_span(std::as_const(*x_));
  visit_.add(block, x, work_.shares, between);
  activity().beat();
  add_shares();
  if (x_of_rows && when == Step::After) {
    step_rows({0, block.rows.size()});
  } else if (x_of_rows && when == Step::None) {
    undo_scale(here);
  }
  if (x_of_rows && when != Step::None) {
    add_row_sums(sums);
  }
}

/// On rank 0: terms that do not belong to rows. Most problems have none.
void Oracle::add_once(Level level) {
  auto& [wanted, probes, shares] = work_;
  reset_shares(level, false, {});
  for (Share& share : shares) {
    if (!y_.is_whole() && !columns().all) {
      share.grad_y = share.hess_y = {};
    }
  }
  visit_.add_whole(per_row() ? InSpan() : as_span(std::as_const(*x_)), shares);
  for (std::size_t p = 0; p < wanted.size(); ++p) {
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      OutSpan& share = shares[p].*quantities[q].share;
      share = is_zero(share) ? OutSpan() : share;
      if (!quantities[q].of_x) {
        y_.add_whole(message_, wanted[p]->parts[q].at, share, wanted[p]->factor, exponent_);
        share = {};
      }
    }
  }
  add_shares();
}

/// PerRow: products along v instead of the scaled v, for these rows.
void Oracle::undo_scale(Range rows) {
  for (std::size_t p = 0; p < work_.requests.size(); ++p) {
    if (meha::has(work_.probes[p].want, Want::CrossX)) {
      work_.requests[p]->result.cross_x.segment(rows.begin, rows.size()) *= work_.requests[p]->length;
    }
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
  announce(level);
}

/// Tells a problem that reads its rows of the blocks that are expected.
void Oracle::announce(Level level) {
  if (RowReader* const reader = problem_.row_reader()) {
    reader->expect(level, expected_);
  }
}

void Oracle::add_shares() {
  for (std::size_t p = 0; p < work_.requests.size(); ++p) {
    const Request& request = *work_.requests[p];
    const Share& share = work_.shares[p];
    message_.add(request.at_value, {&share.value, 1}, 1, exponent_ - value_headroom);
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const OutSpan numbers = share.*quantities[q].share;
      if (!quantities[q].of_x) {
        y_.add(message_, request.parts[q].at, numbers, share.columns, request.factor, exponent_);
      } else if (!per_row()) {
        message_.add(request.parts[q].at, numbers, request.factor, exponent_);
      }
    }
  }
}

void Oracle::add_row_sums(const RowSums& sums) {
  message_.add(0, {&sums.residual_square, 1}, 1, exponent_);  // its addends are O(1/n) like a share or smaller
  message_.add(1, {&sums.step_square, 1}, 1, 0);
}

}  // namespace meha
