// SPDX-License-Identifier: MIT
#include "meha/data/block_stream.hpp"

#include <algorithm>

#include "meha/core/activity.hpp"
#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr Index fewest_buffers = 3;  // one in use, one ready, one being read
constexpr Index most_buffers = 1024;

}  // namespace

Index BlockStream::n_buffers(Index buffer_bytes, Index memory) {
  return std::clamp(std::min(memory, most_bytes) / std::max<Index>(1, buffer_bytes), fewest_buffers, most_buffers);
}

BlockStream::BlockStream(std::unique_ptr<BlockReader> reader, Index memory) : reader_(std::move(reader)) {
  const Index buffer_bytes = reader_->buffer_bytes();
  buffers_.resize(static_cast<std::size_t>(n_buffers(buffer_bytes, memory)));
  for (Buffer& buffer : buffers_) {
    buffer.bytes.resize(static_cast<std::size_t>(buffer_bytes));
  }
  thread_ = std::thread([this] { read_ahead(); });
}

BlockStream::~BlockStream() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BlockStream::expect(std::span<const Index> blocks) {
  const std::lock_guard lock(mutex_);
  release_held();
  std::vector<Index> coming;
  for (const Buffer* buffer : ready_) {
    coming.push_back(buffer->block);
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
  if (held_ == nullptr || held_->block != block) {
    release_held();
    const Index first = !ready_.empty() ? ready_.front()->block : loading_ >= 0 ? loading_ : -1;
    if (first >= 0 ? first != block : waiting_.empty() || waiting_.front() != block) {
      start_over({&block, 1});
    }
    changed_.notify_all();
    const WaitingForDisk waiting;
    changed_.wait(lock, [&] { return !ready_.empty(); });
    held_ = ready_.front();
    ready_.pop_front();
  }
  return held_->features;
}

const std::byte* BlockStream::at_hand(Index block) const {
  const std::lock_guard lock(mutex_);
  if (held_ != nullptr && held_->block == block) {
    return held_->features;
  }
  return !ready_.empty() && ready_.front()->block == block ? ready_.front()->features : nullptr;
}

void BlockStream::renumber(std::shared_ptr<const FeatureNumbers> numbers) {
  const std::lock_guard lock(mutex_);
  require(waiting_.empty() && loading_ < 0 && ready_.empty(), "no block is on its way");
  release_held();
  for (Buffer& buffer : buffers_) {
    buffer.block = -1;
  }
  reader_->renumber(std::move(numbers));
}

std::optional<Error> BlockStream::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void BlockStream::release_held() {
  if (held_ != nullptr) {
    --held_->n_uses;
    held_ = nullptr;
  }
}

void BlockStream::start_over(std::span<const Index> blocks) {
  for (Buffer* buffer : ready_) {
    --buffer->n_uses;
  }
  ready_.clear();
  loading_ = -1;
  waiting_.assign(blocks.begin(), blocks.end());
}

/// One that has the block, else one that nobody uses, else none.
BlockStream::Buffer* BlockStream::buffer_for(Index block) {
  auto found = std::ranges::find(buffers_, block, &Buffer::block);
  if (found == buffers_.end()) {
    found = std::ranges::find(buffers_, 0, &Buffer::n_uses);
  }
  return found == buffers_.end() ? nullptr : &*found;
}

/// Body of the read-ahead thread.
void BlockStream::read_ahead() {
  std::unique_lock lock(mutex_);
  while (true) {
    Buffer* buffer = nullptr;
    changed_.wait(lock, [&] {
      buffer = waiting_.empty() ? nullptr : buffer_for(waiting_.front());
      return stop_ || buffer != nullptr;
    });
    if (stop_) {
      return;
    }
    const Index block = waiting_.front();
    waiting_.pop_front();
    ++buffer->n_uses;
    if (buffer->block != block) {
      loading_ = block;
      buffer->block = -1;
      lock.unlock();
      std::optional<Error> failure;
      try {
        buffer->features = reader_->read(block, buffer->bytes);
      } catch (const Error& error) {
        failure = error;
        std::ranges::fill(buffer->bytes, std::byte{0});
        buffer->features = buffer->bytes.data();
      }
      lock.lock();
      buffer->block = block;
      if (failure && !failure_) {
        failure_ = failure;
      }
      if (loading_ < 0) {
        --buffer->n_uses;
        continue;
      }
      loading_ = -1;
    }
    ready_.push_back(buffer);
    changed_.notify_all();
  }
}

}  // namespace meha
