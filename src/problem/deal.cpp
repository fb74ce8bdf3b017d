// SPDX-License-Identifier: MIT
#include "meha/problem/deal.hpp"

#include <algorithm>
#include <cstring>

namespace meha {
namespace {

/// Calls `see(owner, rows)` for every block, in order.
template <class See>
void for_each_block(const Communicator& comm, const BlockPlan& plan, See&& see) {
  for (int owner = 0; owner < comm.size(); ++owner) {
    const Range blocks = owned_blocks(plan.n_blocks(), owner, comm.size());
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      see(owner, plan.rows(block));
    }
  }
}

/// Where the entries of this rank's sparse rows begin, and the last end. Collective.
std::vector<Index> deal_first_entries(const Communicator& comm, const BlockPlan& plan, const Selection& selection) {
  std::vector<Index> first_entry = {0};
  std::vector<Index> sizes;
  for_each_block(comm, plan, [&](int owner, Range rows) {
    sizes.resize(static_cast<std::size_t>(rows.size()));
    for (Index i = 0; comm.is_root() && i < rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(selection.rows[static_cast<std::size_t>(rows.begin + i)]);
      const auto& all = selection.table->first_entry;
      sizes[static_cast<std::size_t>(i)] = all[row + 1] - all[row];
    }
    if (comm.is_root() && owner != 0) {
      comm.send(owner, std::as_bytes(std::span(sizes)));
    } else if (!comm.is_root() && owner == comm.rank()) {
      comm.receive(0, std::as_writable_bytes(std::span(sizes)));
    }
    if (owner == comm.rank()) {
      for (const Index size : sizes) {
        first_entry.push_back(first_entry.back() + size);
      }
    }
  });
  return first_entry;
}

}  // namespace

RowSet deal_rows(const Communicator& comm, const Selection& selection, Index block_rows) {
  Index n_rows = selection.n_rows();
  Index n_features = selection.table ? selection.table->n_features : 0;
  Index element = selection.table ? static_cast<Index>(selection.table->element) : 0;
  comm.broadcast(n_rows);
  comm.broadcast(n_features);
  comm.broadcast(element);
  Index targets = static_cast<Index>(selection.numbers.empty() ? Targets::Classes : Targets::Numbers);
  comm.broadcast(targets);
  const BlockPlan plan{.n_rows = n_rows, .block_rows = block_rows};
  std::vector<Index> first_entry;
  if (static_cast<Element>(element) == Element::Sparse) {
    first_entry = deal_first_entries(comm, plan, selection);
  }
  RowSet mine(plan, owned_rows(plan, comm.rank(), comm.size()), n_features, static_cast<Element>(element),
              static_cast<Targets>(targets), std::move(first_entry));
  const bool numbers = static_cast<Targets>(targets) == Targets::Numbers;
  const auto target_bytes = [&](Range rows) {
    return numbers ? std::as_writable_bytes(mine.numbers(rows)) : std::as_writable_bytes(mine.labels(rows));
  };
  std::vector<std::byte> features;
  for_each_block(comm, plan, [&](int owner, Range rows) {
    if (comm.is_root()) {
      features.clear();
      for (Index i = rows.begin; i < rows.end; ++i) {
        const auto row = selection.table->row(selection.rows[static_cast<std::size_t>(i)]);
        features.insert(features.end(), row.begin(), row.end());
      }
      const auto wanted = numbers ? std::as_bytes(slice(std::span(selection.numbers), rows))
                                  : std::as_bytes(slice(std::span(selection.labels), rows));
      if (owner == 0) {
        std::copy(features.begin(), features.end(), mine.feature_bytes(rows).begin());
        std::copy(wanted.begin(), wanted.end(), target_bytes(rows).begin());
      } else {
        comm.send(owner, features);
        comm.send(owner, wanted);
      }
    } else if (owner == comm.rank()) {
      comm.receive(0, mine.feature_bytes(rows));
      comm.receive(0, target_bytes(rows));
    }
  });
  return mine;
}

}  // namespace meha
