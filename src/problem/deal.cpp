// SPDX-License-Identifier: MIT
#include "meha/problem/deal.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "deal_features.hpp"
#include "meha/core/memory.hpp"
#include "meha/data/block_stream.hpp"

namespace meha {
namespace {

/// Returns where the entries of this rank's sparse rows begin, then where the last row ends. Collective.
/// @param in_file  counted from the file's first entry (of rows that follow each other there), else from 0
std::vector<Index> deal_first_entries(const Communicator& comm, const BlockPlan& plan, const Selection& selection,
                                      bool in_file) {
  std::vector<Index> first_entry;
  std::vector<Index> numbers;  // of a block: where its first row's entries begin in the file, sizes of its rows
  for_each_block(comm, plan, [&](int owner, Range rows) {
    numbers.resize(static_cast<std::size_t>(rows.size()) + 1);
    for (Index i = 0; comm.is_root() && i < rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(selection.rows[static_cast<std::size_t>(rows.begin + i)]);
      const auto& all = selection.table->first_entry;
      numbers[0] = i == 0 ? all[row] : numbers[0];
      numbers[static_cast<std::size_t>(i) + 1] = all[row + 1] - all[row];
    }
    if (comm.is_root() && owner != 0) {
      comm.send(owner, std::as_bytes(std::span(numbers)));
    } else if (!comm.is_root() && owner == comm.rank()) {
      comm.receive(0, std::as_writable_bytes(std::span(numbers)));
    }
    if (owner == comm.rank()) {
      if (first_entry.empty()) {
        first_entry.push_back(in_file ? numbers[0] : 0);
      }
      for (const Index size : std::span(numbers).subspan(1)) {
        first_entry.push_back(first_entry.back() + size);
      }
    }
  });
  return first_entry.empty() ? std::vector<Index>{0} : first_entry;
}

/// Checks that blocks of the selection can be read one by one. On rank 0.
RowsOnDisk rows_on_disk(const Selection& selection, Index block_rows) {
  const Table& table = *selection.table;
  const auto fail = [&](const std::string& why) {
    throw Error(ExitCode::Data,
                table.name + ": its rows do not fit into memory (problem.data.memory, per rank) and " + why);
  };
  if (!table.on_disk) {
    fail("cannot be read from disk in every pass: only files that meha data import writes can, without standardise");
  }
  if (selection.rows.back() - selection.rows.front() != selection.n_rows() - 1 ||
      !std::ranges::is_sorted(selection.rows)) {
    fail(
        "are not read from disk in random order: set problem.data.shuffle = false (meha data import --shuffle SEED "
        "shuffles once and for all)");
  }
  if (table.fingerprint.empty()) {
    fail(
        "cannot be read from disk in every pass: the file has no fingerprint; meha data import "
        "--format hdf5 writes a copy that has one");
  }
  RowsOnDisk rows = table.on_disk();
  if (rows.stored != Storage::Sparse && block_rows % rows.chunk_rows != 0) {
    fail("are stored in blocks of " + std::to_string(rows.chunk_rows) + ": run.block_rows = " +
         std::to_string(block_rows) + " must be a multiple of it, else rows would be read several times");
  }
  return rows;
}

/// Opens a stream of a selection's features on every rank. Collective.
std::shared_ptr<BlockStream> open_stream(const Communicator& comm, const Selection& selection, BlockPlan plan,
                                         Index memory, std::vector<Index> first_entry) {
  RowsOnDisk rows;
  comm.root_or_none([&] { rows = rows_on_disk(selection, plan.block_rows); });
  comm.broadcast(rows.path);
  for (auto* chunks : {&rows.chunks, &rows.value_chunks}) {
    *chunks = comm.gather_all(std::span<const Hdf5Chunk>(*chunks));  // only rank 0 has any
  }
  auto stored = static_cast<Index>(rows.stored);
  Index first_row = comm.is_root() ? selection.rows.front() : 0;
  for (Index* number :
       {&rows.chunk_rows, &stored, &rows.n_features, &first_row, &rows.stamp.n_bytes, &rows.stamp.changed_ns}) {
    comm.broadcast(*number);
  }
  rows.stored = static_cast<Storage>(stored);
  std::shared_ptr<BlockStream> stream;
  comm.all_or_none([&] {
    stream = std::make_shared<BlockStream>(
        std::make_unique<BlockReader>(std::move(rows), plan, first_row, comm.owned_rows(plan), std::move(first_entry)),
        memory);
  });
  return stream;
}

/// Makes room for this rank's rows, with their labels or numbers. Collective.
/// @param memory  -1: the features come to memory, else: they stay on disk, and this is for buffers
RowSet deal_targets(const Communicator& comm, const Selection& selection, Index block_rows, Index memory = -1) {
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
  if (static_cast<Storage>(element) == Storage::Sparse) {
    first_entry = deal_first_entries(comm, plan, selection, memory >= 0);
  }
  std::shared_ptr<BlockStream> stream =
      memory < 0 ? nullptr : open_stream(comm, selection, plan, memory, std::move(first_entry));
  RowSet mine(plan, comm.owned_rows(plan), n_features, static_cast<Storage>(element), static_cast<Targets>(targets),
              std::move(first_entry), std::move(stream));
  const bool numbers = static_cast<Targets>(targets) == Targets::Numbers;
  for_each_block(comm, plan, [&](int owner, Range rows) {
    const auto to = [&] {
      return numbers ? std::as_writable_bytes(mine.numbers(rows)) : std::as_writable_bytes(mine.labels(rows));
    };
    if (comm.is_root()) {
      const auto from = numbers ? std::as_bytes(slice(std::span(selection.numbers), rows))
                                : std::as_bytes(slice(std::span(selection.labels), rows));
      if (owner == 0) {
        std::copy(from.begin(), from.end(), to().begin());
      } else {
        comm.send(owner, from);
      }
    } else if (owner == comm.rank()) {
      comm.receive(0, to());
    }
  });
  return mine;
}

/// Estimates the bytes of features of a selection on the rank that owns most of it.
Index share_of(const Communicator& comm, const Selection& selection) {
  if (selection.rows.empty()) {
    return 0;
  }
  const Table& table = *selection.table;
  const Index row_bytes = table.element == Storage::Sparse
                              ? table.first_entry.back() * bytes_per(Storage::Sparse) / table.n_rows
                              : table.row_bytes();
  const auto weights = comm.weights();
  const Real largest = static_cast<Real>(*std::max_element(weights.begin(), weights.end())) /
                       static_cast<Real>(std::accumulate(weights.begin(), weights.end(), Index{0}));
  return static_cast<Index>(std::ceil(largest * static_cast<Real>(selection.n_rows()))) * row_bytes;
}

}  // namespace

Index spare_memory_of_rank(const Communicator& comm) {
  const int n_local = comm.n_local();
  return comm.min(spare_memory() / n_local);
}

PerLevel<Index> buffers_of(const PerLevel<Index>& sizes, Index memory) {
  PerLevel<Index> buffers{{-1, -1, -1, -1}};
  if (std::accumulate(sizes.begin(), sizes.end(), Index{0}) <= memory) {
    return buffers;
  }
  Index left = memory / 2;  // the other half is for buffers
  for (const Level level : {Level::Test, Level::Holdout, Level::Upper}) {
    const bool fits = sizes[level] <= left;
    left -= fits ? sizes[level] : 0;
    buffers[level] = fits ? -1 : memory / 8;
  }
  buffers[Level::Lower] = sizes[Level::Lower] == 0 ? -1 : memory / 8;
  return buffers;
}

DealtRows deal_split(const Communicator& comm, const Split& split, Index block_rows, Index memory) {
  PerLevel<Index> sizes;
  for (const Level level : all_levels) {
    sizes[level] = share_of(comm, split.rows[level]);
  }
  auto buffers = buffers_of(sizes, memory > 0 ? memory : std::max(spare_memory_of_rank(comm) / 2, Index{1} << 20));
  const Selection none;
  DealtRows dealt;
  PerLevel<const Selection*> in_memory;
  for (const Level level : all_levels) {
    comm.broadcast(buffers[level]);
    dealt.rows[level] = deal_targets(comm, split.rows[level], block_rows, buffers[level]);
    in_memory[level] = buffers[level] < 0 ? &split.rows[level] : &none;
  }
  Fingerprint fingerprint(split);
  deal_features(comm, in_memory.values, dealt.rows.values, [&](std::size_t which, Index place, auto features) {
    fingerprint.add(static_cast<Level>(which), place, features);
  });
  dealt.fingerprint = fingerprint.hex();
  comm.broadcast(dealt.fingerprint);
  return dealt;
}

RowSet deal_rows(const Communicator& comm, const Selection& selection, Index block_rows) {
  RowSet mine = deal_targets(comm, selection, block_rows);
  const Selection* one = &selection;
  deal_features(comm, {&one, 1}, {&mine, 1}, {});
  return mine;
}

}  // namespace meha
