// SPDX-License-Identifier: MIT
// What an oracle must return, on any number of ranks: every rank adds all blocks to an exact sum of its own.
#pragma once

#include "meha/comm/exact_sum.hpp"
#include "meha/core/minibatch.hpp"
#include "meha/solver/oracle.hpp"
#include "meha/solver/state.hpp"
#include "support/toy_problems.hpp"

namespace meha::test {

struct Sums {
  Real value = 0;
  Vec grad_x, grad_y;  // grad_x: PerRow and Lower: one entry per row; rows of other blocks are 0
};

/// One level at one point, on this rank alone. @param x  all of it
inline Sums sums_here(Toy& toy, Level level, const Vec& x, const Vec& y, const std::vector<Index>& blocks,
                      Index block_rows) {
  const BlockPlan plan{.n_rows = toy.n_rows(level), .block_rows = block_rows};
  const bool x_of_rows = toy.per_row() && level == Level::Lower;
  Block block;
  for (const Index id : blocks) {
    block.n_rows_in_pass += plan.rows(id).size();
  }
  const int exponent = toy.share_exponent(level, block.n_rows_in_pass);
  const Index n_x = toy.per_row() ? 0 : toy.n_x();
  ExactSum message(ExactSum::Kind::Exact);
  message.reset(1 + n_x + toy.n_y(), static_cast<Index>(blocks.size()) + 1);
  Sums sums{.value = 0, .grad_x = Vec::Zero(x_of_rows ? toy.n_x() : n_x), .grad_y = Vec::Zero(toy.n_y())};
  const Probe probe{.y = as_span(y), .want = Want::Value | Want::GradX | Want::GradY};
  const auto add = [&](const auto& fill) {
    Vec share_x = Vec::Zero(n_x);
    Vec share_y = Vec::Zero(toy.n_y());
    Share share{.value = 0, .grad_x = as_span(share_x), .grad_y = as_span(share_y)};
    fill(share);
    message.add(0, {&share.value, 1}, 1, exponent - Oracle::value_headroom);
    message.add(1, as_span(std::as_const(share_x)), 1, exponent);
    message.add(1 + n_x, as_span(std::as_const(share_y)), 1, exponent);
  };
  for (const Index id : blocks) {
    block.id = id;
    block.rows = plan.rows(id);
    add([&](Share& share) {
      if (x_of_rows) {
        share.grad_x = slice(as_span(sums.grad_x), block.rows);
      }
      const InSpan x_here = x_of_rows ? slice(as_span(x), block.rows) : toy.per_row() ? InSpan() : as_span(x);
      toy.add_one(level, block, x_here, probe, share);
    });
  }
  add([&](Share& share) { toy.add_whole(level, toy.per_row() ? InSpan() : as_span(x), probe, share); });
  sums.value = message.read(0, exponent - Oracle::value_headroom);
  if (!toy.per_row()) {
    message.read(1, exponent, as_span(sums.grad_x));
  }
  message.read(1 + n_x, exponent, as_span(sums.grad_y));
  return sums;
}

inline std::vector<Index> all_blocks(Index n_rows, Index block_rows) {
  const BlockPlan plan{.n_rows = n_rows, .block_rows = block_rows};
  std::vector<Index> blocks;
  for (Index id = 0; id < plan.n_blocks(); ++id) {
    blocks.push_back(id);
  }
  return blocks;
}

/// The part of x that this rank stores.
inline Vec stored_part(const Oracle& oracle, const Communicator& comm, const Vec& x) {
  if (!oracle.per_row()) {
    return x;
  }
  const Range rows = oracle.stored_rows()[static_cast<std::size_t>(comm.rank())];
  return rows.empty() ? Vec() : Vec(x.segment(rows.begin, rows.size()));
}

/// The whole of a field that is stored as x is, on rank 0, empty elsewhere. Collective.
inline Vec gather_x(const Oracle& oracle, const Communicator& comm, const Vec& x) {
  if (!oracle.per_row()) {
    return x;
  }
  Vec all(comm.is_root() ? oracle.n_lower_rows() : 0);
  comm.gather_rows(oracle.stored_rows(), as_span(x),
                   [&](Index first, InSpan piece) { std::copy(piece.begin(), piece.end(), all.data() + first); });
  return all;
}

/// Every field of State on rank 0, one after another. Collective.
inline Vec whole_state(const Oracle& oracle, const Communicator& comm, const State& state) {
  std::vector<Real> all;
  for (const Field& field : state.fields()) {
    const Vec values = field.per_row ? gather_x(oracle, comm, field.values) : field.values;
    all.insert(all.end(), values.data(), values.data() + values.size());
  }
  return as_vector(all);
}

}  // namespace meha::test
