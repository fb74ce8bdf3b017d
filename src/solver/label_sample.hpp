// SPDX-License-Identifier: MIT
// A sample of rows with what models of labels make of them, and exact means over it.
#pragma once

#include <algorithm>

#include "meha/comm/exact_sum.hpp"
#include "meha/problem/cross_fit.hpp"

namespace meha {

inline constexpr Index most_sample_rows = Index{1} << 16;

/// Log-probabilities of some rows that this rank owns: of the judge of a row's fold, then of the models of trusted rows.
struct LabelSample {
  Index n_rows_in_all = 0;  // on all ranks
  Index n_models = 1;
  std::vector<Label> labels;
  std::vector<Index> block_end;  // where the rows of each block end
  std::vector<float> log_q;      // [row][model][class]
};

/// Every so many blocks of a level. @param judges, second  models of all rows, and of trusted rows alone: by fold, or one for
/// all; no second: none   @param at_most  rows, or up to twice as many; fewer where there are more than 2^7 classes
/// Collective. Errors: Error(Data) when rows cannot be read, on all ranks.
LabelSample read_sample(const Communicator& comm, CrossFit& problem, Level level, const std::vector<InSpan>& judges,
                        const std::vector<InSpan>& second, Index at_most = most_sample_rows);

/// Means over the rows of a sample on all ranks: `add(rows, share)` adds the numbers of a block's rows. Collective.
template <class Add>
Vec mean_over(const Communicator& comm, const LabelSample& sample, Index n_values, Add&& add) {
  ExactSum sum(ExactSum::Kind::Exact);
  sum.reset(n_values, std::max<Index>(1, sample.n_rows_in_all));
  const int exponent = 0;
  const Real mean = 1 / static_cast<Real>(std::max<Index>(1, sample.n_rows_in_all));
  Vec share(n_values);
  Index first = 0;
  for (const Index end : sample.block_end) {
    share.setZero();
    add(Range{first, end}, share);
    share *= mean;
    sum.add(0, as_span(std::as_const(share)), 1, exponent);
    first = end;
  }
  sum.allreduce(comm);
  Vec total(n_values);
  sum.read(0, exponent, as_span(total));
  return total;
}

}  // namespace meha
