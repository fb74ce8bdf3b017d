// SPDX-License-Identifier: MIT
// Blocks of rows of a file (see rows_file), read with pread(), as the HDF5 library is not thread-safe. Every chunk is
// checked as it comes, and whether the file is still what it was: rows of two files are no data set. A block of dense rows is made of chunks; those of sparse rows hold entries, without regard to rows,
// so the last is kept: the next block may begin in it.
#pragma once

#include <memory>

#include "meha/core/blocks.hpp"
#include "meha/data/feature_numbers.hpp"
#include "meha/data/rows_file.hpp"

namespace meha {

class BlockReader {
 public:
  /// @param first_row  row of the file that is the first of the set cut by `plan`
  /// @param own  rows of the set, whole blocks: only these blocks can be read
  /// @param first_entry  sparse: where the entries of each row of `own` begin in the file, then where the last row ends
  /// Errors: Error(Data) when the file cannot be opened, or has changed since it was looked at.
  BlockReader(RowsOnDisk rows, BlockPlan plan, Index first_row, Range own, std::vector<Index> first_entry = {});
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  /// Returns what a buffer must have for any block of `own`, with 64 readable bytes after its last row.
  [[nodiscard]] Index buffer_bytes() const;
  /// @return where the block's first row begins in the buffer
  /// Errors: Error(Data) naming file, rows or entries, and cause.
  const std::byte* read(Index block, std::span<std::byte> buffer);
  /// Gives features of sparse rows new numbers from now on.
  void renumber(std::shared_ptr<const FeatureNumbers> numbers) { numbers_ = std::move(numbers); }
  [[nodiscard]] const std::vector<Index>& first_entry() const { return first_entry_; }

 private:
  const std::byte* read_block(Index block, std::span<std::byte> buffer);
  void read_entries(Index block, std::byte* to);
  void read_stored(const char* dataset, const std::vector<Hdf5Chunk>& chunks, Index chunk, std::byte* to) const;
  void expect_unchanged() const;
  /// Returns where the first entry of each of the block's rows is in the file, then where the last row ends.
  [[nodiscard]] std::span<const Index> entries_of(Index block) const;

  RowsOnDisk rows_;
  BlockPlan plan_;
  Index first_row_;
  Range own_;
  std::vector<Index> first_entry_;
  Index chunk_bytes_;                              // in memory; not sparse
  std::vector<std::byte> stored_, values_;         // float16: a chunk as it stands in the file; sparse: one of each
  std::shared_ptr<const FeatureNumbers> numbers_;  // sparse; none: as in the file
  Index chunk_at_hand_ = -1;                       // sparse: in these two
  int file_;
};

}  // namespace meha
