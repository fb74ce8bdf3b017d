// SPDX-License-Identifier: MIT
// Blocks of rows that stay on disk (in a file of rows, see rows_file): a thread reads them ahead of the computation into a
// bounded number of buffers, past the HDF5 library, which serves one thread alone. Every chunk is checked as it comes.
// What will be asked for is announced; other blocks come as well, only later.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "meha/core/blocks.hpp"
#include "meha/core/error.hpp"
#include "meha/data/rows_file.hpp"

namespace meha {

class BlockStream {
 public:
  static constexpr Index most_bytes = Index{8} << 20;  // of buffers: with more they would not stay in the cache

  /// @param first_row  row of the file that is the first of the set cut by `plan`
  /// @param memory     bytes for buffers, at most most_bytes; three blocks have room in any case
  /// Errors: Error(Data) when the file cannot be opened.
  BlockStream(RowsOnDisk rows, BlockPlan plan, Index first_row, Index memory);
  ~BlockStream();
  BlockStream(const BlockStream&) = delete;
  BlockStream& operator=(const BlockStream&) = delete;

  /// Announces the blocks that features() will be asked for, in order, from now on.
  void expect(std::span<const Index> blocks);
  /// The block's features, row by row; at least 64 readable bytes follow. Waits for them. They stay until another block is
  /// asked for or expect() is called. Zeros when they could not be read: see failure().
  const std::byte* features(Index block);
  /// The same where they are in memory already, else nullptr. Does not wait.
  [[nodiscard]] const std::byte* at_hand(Index block) const;
  /// The first that went wrong: Error(Data) naming file, rows and cause.
  [[nodiscard]] std::optional<Error> failure() const;

 private:
  struct Loaded {
    Index block = -1;
    std::size_t buffer = 0;
  };

  void read_ahead();
  void load(Index block, std::span<std::byte> buffer);
  void load_chunk(Index chunk, std::byte* to);
  void release_held();
  void start_over(std::span<const Index> blocks);
  [[nodiscard]] const std::byte* first_row_of(const Loaded& loaded) const;
  [[nodiscard]] Index first_chunk(Index block) const;

  RowsOnDisk rows_;
  BlockPlan plan_;
  Index first_row_;
  Index chunk_bytes_;  // of features in memory
  int file_;
  std::vector<std::byte> raw_;  // float16: a chunk as it stands in the file

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<std::size_t> free_;  // buffers
  std::deque<Loaded> ready_;
  Loaded held_;                // by the computation
  Index loading_ = -1;         // block; -1: none, or one that nobody wants any more
  std::deque<Index> waiting_;  // blocks to load after `ready_` and `loading_`
  bool stop_ = false;
  std::optional<Error> failure_;
  std::thread reader_;
};

}  // namespace meha
