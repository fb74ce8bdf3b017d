// SPDX-License-Identifier: MIT
// Blocks of rows that stay on disk: a thread reads them ahead of the computation (see block_reader) into a bounded number
// of buffers. What will be asked for is announced; other blocks come as well, only later. A block that is still in a
// buffer is not read again.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "meha/core/error.hpp"
#include "meha/data/block_reader.hpp"

namespace meha {

class BlockStream {
 public:
  static constexpr Index most_bytes = Index{8} << 20;  // of buffers: with more they would not stay in the cache

  /// Returns the number of buffers of so many bytes each: as many as `memory`, or most_bytes if that is less, has room
  /// for, but at least three and at most 1024.
  static Index n_buffers(Index buffer_bytes, Index memory);

  /// @param memory  bytes for buffers, at most most_bytes; three of the largest blocks have room in any case
  BlockStream(std::unique_ptr<BlockReader> reader, Index memory);
  ~BlockStream();
  BlockStream(const BlockStream&) = delete;
  BlockStream& operator=(const BlockStream&) = delete;

  /// Announces the blocks that features() will be asked for, in order, from now on.
  void expect(std::span<const Index> blocks);
  /// The block's features, row by row; at least 64 readable bytes follow. Waits for them. They stay until another block is
  /// asked for or expect() is called. Zeros when they could not be read: see failure().
  const std::byte* features(Index block);
  /// Returns what features() would where they are in memory already, else nullptr. Does not wait.
  [[nodiscard]] const std::byte* at_hand(Index block) const;
  /// Gives features new numbers from now on. Not while blocks are announced that nobody has asked for.
  void renumber(std::shared_ptr<const FeatureNumbers> numbers);
  /// Returns the first failure: Error(Data) naming file, rows and cause.
  [[nodiscard]] std::optional<Error> failure() const;
  /// See BlockReader::first_entry().
  [[nodiscard]] const std::vector<Index>& first_entry() const { return reader_->first_entry(); }

 private:
  struct Buffer {
    std::vector<std::byte> bytes;
    Index block = -1;                     // what stands in it; -1: nothing
    const std::byte* features = nullptr;  // its first row
    Index n_uses = 0;                     // by the reader, in `ready_`, by the computation
  };

  void read_ahead();
  void release_held();
  void start_over(std::span<const Index> blocks);
  [[nodiscard]] Buffer* buffer_for(Index block);

  std::unique_ptr<BlockReader> reader_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Buffer> buffers_;
  std::deque<Buffer*> ready_;
  Buffer* held_ = nullptr;     // by the computation
  Index loading_ = -1;         // block; -1: none, or one that nobody wants any more
  std::deque<Index> waiting_;  // blocks to load after `ready_` and `loading_`
  bool stop_ = false;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace meha
