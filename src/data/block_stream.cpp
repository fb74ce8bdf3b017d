// SPDX-License-Identifier: MIT
#include "meha/data/block_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "meha/core/activity.hpp"
#include "meha/data/fletcher32.hpp"

namespace meha {
namespace {

__extension__ using Half = _Float16;

constexpr Index checksum_bytes = 4;
constexpr Index readable_past_end = 64;
constexpr Index fewest_buffers = 3;  // one in use, one ready, one being read

}  // namespace

BlockStream::BlockStream(RowsOnDisk rows, BlockPlan plan, Index first_row, Index memory)
    : rows_(std::move(rows)),
      plan_(plan),
      first_row_(first_row),
      chunk_bytes_(rows_.chunk_rows * rows_.n_features * bytes_per(element_of(rows_.stored))),
      file_(open(rows_.path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) {
    throw Error(ExitCode::Data, rows_.path + ": " + std::strerror(errno));
  }
  if (rows_.stored == Stored::Float16) {
    raw_.resize(static_cast<std::size_t>(rows_.stored_chunk_bytes() + checksum_bytes));
  }
  const Index chunks_of_block = plan.block_rows / rows_.chunk_rows + (first_row % rows_.chunk_rows == 0 ? 0 : 1);
  const Index buffer_bytes = chunks_of_block * chunk_bytes_ + std::max(checksum_bytes, readable_past_end);
  const Index n_buffers = std::max(fewest_buffers, std::min(memory, most_bytes) / buffer_bytes);
  for (Index b = 0; b < n_buffers; ++b) {
    buffers_.emplace_back(static_cast<std::size_t>(buffer_bytes));
    free_.push_back(static_cast<std::size_t>(b));
  }
  reader_ = std::thread([this] { read_ahead(); });
}

BlockStream::~BlockStream() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  reader_.join();
  close(file_);
}

void BlockStream::expect(std::span<const Index> blocks) {
  const std::lock_guard lock(mutex_);
  release_held();
  std::vector<Index> coming;
  for (const Loaded& loaded : ready_) {
    coming.push_back(loaded.block);
  }
  if (loading_ >= 0) {
    coming.push_back(loading_);
  }
  coming.insert(coming.end(), waiting_.begin(), waiting_.end());
  const auto n_same = std::min(coming.size(), blocks.size());
  if (!std::equal(coming.begin(), coming.begin() + static_cast<std::ptrdiff_t>(n_same), blocks.begin())) {
    start_over(blocks);
  } else {
    waiting_.insert(waiting_.end(), blocks.begin() + static_cast<std::ptrdiff_t>(n_same), blocks.end());
  }
  changed_.notify_all();
}

const std::byte* BlockStream::features(Index block) {
  std::unique_lock lock(mutex_);
  if (held_.block != block) {
    release_held();
    const Index first = !ready_.empty() ? ready_.front().block : loading_ >= 0 ? loading_ : -1;
    if (first >= 0 ? first != block : waiting_.empty() || waiting_.front() != block) {
      start_over({&block, 1});
    }
    changed_.notify_all();
    const WaitingForDisk waiting;
    changed_.wait(lock, [&] { return !ready_.empty(); });
    held_ = ready_.front();
    ready_.pop_front();
  }
  return first_row_of(held_);
}

const std::byte* BlockStream::at_hand(Index block) const {
  const std::lock_guard lock(mutex_);
  if (held_.block == block) {
    return first_row_of(held_);
  }
  return !ready_.empty() && ready_.front().block == block ? first_row_of(ready_.front()) : nullptr;
}

const std::byte* BlockStream::first_row_of(const Loaded& loaded) const {
  const Index skipped = first_row_ + plan_.rows(loaded.block).begin - first_chunk(loaded.block) * rows_.chunk_rows;
  return buffers_[loaded.buffer].data() + skipped * (chunk_bytes_ / rows_.chunk_rows);
}

std::optional<Error> BlockStream::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void BlockStream::release_held() {
  if (held_.block >= 0) {
    free_.push_back(held_.buffer);
    held_.block = -1;
  }
}

void BlockStream::start_over(std::span<const Index> blocks) {
  for (const Loaded& loaded : ready_) {
    free_.push_back(loaded.buffer);
  }
  ready_.clear();
  loading_ = -1;
  waiting_.assign(blocks.begin(), blocks.end());
}

/// The reader's life.
void BlockStream::read_ahead() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || (!waiting_.empty() && !free_.empty()); });
    if (stop_) {
      return;
    }
    const Loaded here{.block = waiting_.front(), .buffer = free_.back()};
    waiting_.pop_front();
    free_.pop_back();
    loading_ = here.block;
    lock.unlock();
    std::optional<Error> failure;
    try {
      load(here.block, buffers_[here.buffer]);
    } catch (const Error& error) {
      failure = error;
      std::ranges::fill(buffers_[here.buffer], std::byte{0});
    }
    lock.lock();
    if (failure && !failure_) {
      failure_ = failure;
    }
    if (loading_ >= 0) {
      ready_.push_back(here);
    } else {
      free_.push_back(here.buffer);
    }
    loading_ = -1;
    changed_.notify_all();
  }
}

Index BlockStream::first_chunk(Index block) const {
  return (first_row_ + plan_.rows(block).begin) / rows_.chunk_rows;
}

/// Fills the buffer from the first row of the block's first chunk on.
void BlockStream::load(Index block, std::span<std::byte> buffer) {
  const Index end = first_row_ + plan_.rows(block).end;
  std::byte* to = buffer.data();
  for (Index chunk = first_chunk(block); chunk * rows_.chunk_rows < end; ++chunk, to += chunk_bytes_) {
    load_chunk(chunk, to);
  }
}

/// Reads one chunk and, behind it, its checksum.
void BlockStream::load_chunk(Index chunk, std::byte* to) {
  const auto fail = [&](const std::string& cause) {
    throw Error(ExitCode::Data, rows_.path + ": rows " + std::to_string(chunk * rows_.chunk_rows) + " to " +
                                    std::to_string((chunk + 1) * rows_.chunk_rows - 1) + " of /features (block " +
                                    std::to_string(chunk) + "): " + cause);
  };
  const Hdf5Chunk& place = rows_.chunks[static_cast<std::size_t>(chunk)];
  std::byte* stored = raw_.empty() ? to : raw_.data();
  for (Index n_read = 0; n_read < place.size;) {
    const auto n = pread(file_, stored + n_read, static_cast<std::size_t>(place.size - n_read), place.offset + n_read);
    if (n == 0) {
      fail("the file ends before them: has it been cut or replaced while it was in use?");
    }
    if (n < 0 && errno != EINTR) {
      fail(std::string("cannot be read: ") + std::strerror(errno));
    }
    n_read += std::max<Index>(0, n);
  }
  const Index n_bytes = rows_.stored_chunk_bytes();
  if (place.size > n_bytes) {
    std::uint32_t checksum = 0;
    std::memcpy(&checksum, stored + n_bytes, sizeof checksum);
    if (!fletcher32_matches({stored, static_cast<std::size_t>(n_bytes)}, checksum)) {
      fail("damaged: their checksum is wrong; meha data verify looks at the whole file");
    }
  }
  for (Index i = 0; !raw_.empty() && i < n_bytes / Index{sizeof(Half)}; ++i) {
    Half half;
    std::memcpy(&half, stored + i * Index{sizeof half}, sizeof half);
    const auto value = static_cast<float>(half);
    std::memcpy(to + i * Index{sizeof value}, &value, sizeof value);
  }
}

}  // namespace meha
