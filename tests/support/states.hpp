// SPDX-License-Identifier: MIT
// A small State whose values tell where they belong, and the record that goes with it.
#pragma once

#include "meha/io/state_file.hpp"

#include <vector>

#include "meha/core/blocks.hpp"

namespace meha {

/// Per-row field "x" (x_i = scale·(i + ¼)) on the rows of `rank`, shared fields "y", "theta" and an empty one.
inline State numbered_state(std::span<const Range> rows_of_rank, int rank, Real scale) {
  State state;
  const Range rows = rows_of_rank[static_cast<std::size_t>(rank)];
  state.add("x", true, rows.size()) = scale * Vec::LinSpaced(rows.size(), 0, static_cast<Real>(rows.size() - 1));
  state["x"].array() += scale * (static_cast<Real>(rows.begin) + 0.25);
  state.add("y", false, 7) = scale * Vec::LinSpaced(7, -3, 3);
  state.add("theta", false, 3, 1) = scale * Vec::LinSpaced(3, 10, 12);
  state.add("nothing", false, 0);
  return state;
}

inline std::vector<Range> rows_by_rank(Index n_rows, Index block_rows, int n_ranks) {
  std::vector<Range> rows;
  for (int rank = 0; rank < n_ranks; ++rank) {
    rows.push_back(owned_rows({.n_rows = n_rows, .block_rows = block_rows}, rank, n_ranks));
  }
  return rows;
}

inline Record some_record(Index iteration) {
  Record record{.iteration = iteration, .texts = {}, .numbers = {}, .ranks = 3, .history = {}};
  for (const char* name : {"status", "algorithm", "problem", "config", "version", "git", "simd", "data_fingerprint"}) {
    record.texts[name] = std::string("the ") + name;
  }
  for (const char* name : {"seconds", "compute_s", "allreduce_s", "update_s", "evaluate_s", "checkpoint_s"}) {
    record.numbers[name] = 0.1 * static_cast<Real>(record.numbers.size() + 1);
  }
  record.history = {{.iteration = 0, .values = {{"upper_value", 0.7}}},
                    {.iteration = iteration, .values = {{"upper_value", 0.5}, {"f1", 0.25}}}};
  return record;
}

}  // namespace meha
