// SPDX-License-Identifier: MIT
#include "shared_rows.hpp"

#include <cstring>

namespace meha {
namespace {

/// What a rank's message begins with.
struct Head {
  Requests asked;
  bool failed = false;
  Index n_blocks = 0;
};

/// What each of its blocks begins with.
struct BlockHead {
  Level level;
  Index id;
};

template <class T>
void append(std::vector<std::byte>& message, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  message.insert(message.end(), bytes.begin(), bytes.end());
}

template <class T>
T take(std::span<const std::byte>& rest) {
  T value{};
  std::memcpy(&value, rest.data(), sizeof(T));
  rest = rest.subspan(sizeof(T));
  return value;
}

}  // namespace

Requests SharedRows::bring(Index k, std::span<const Level> levels, const Requests& mine, std::optional<Error> failure) {
  const Communicator& comm = oracle_.comm();
  problem_.dismiss(true);
  for (const Level level : levels) {
    announce(k, level);
  }
  if (comm.size() == 1) {
    comm.agree(failure ? failure : problem_.failure());
    return mine;
  }
  Head head{.asked = mine, .failed = failure.has_value(), .n_blocks = 0};
  message_.clear();
  append(message_, head);
  if (!failure) {
    try {
      pack(k, levels);
      failure = problem_.failure();
    } catch (const std::exception& error) {
      failure = as_error(error);
    }
  }
  head.failed = failure.has_value();
  for (const Level level : levels) {
    head.n_blocks += head.failed ? 0 : std::ssize(oracle_.own_blocks_of_step(level, k));
  }
  message_.resize(head.failed ? sizeof(Head) : message_.size());
  std::memcpy(message_.data(), &head, sizeof(Head));
  std::vector<std::byte> all;
  {
    const Stopwatch watch(oracle_.timings.allreduce, Stage::Allreduce);
    all = comm.gather_all<std::byte>(message_);
  }
  Requests agreed;
  bool any_failed = false;
  for (std::span<const std::byte> rest = all; !rest.empty();) {
    const Head of_rank = take<Head>(rest);
    agreed.not_finite |= of_rank.asked.not_finite;
    agreed.stop |= of_rank.asked.stop;
    agreed.time_limit |= of_rank.asked.time_limit;
    agreed.checkpoint |= of_rank.asked.checkpoint;
    any_failed |= of_rank.failed;
    for (Index b = 0; b < of_rank.n_blocks; ++b) {
      const BlockHead block = take<BlockHead>(rest);
      rest = rest.subspan(problem_.take_in(block.level, oracle_.rows_of_block(block.level, block.id), rest));
    }
  }
  if (any_failed) {
    comm.agree(failure);
  }
  return agreed;
}

/// Tells the problem which of this rank's blocks are needed now and next.
void SharedRows::announce(Index k, Level level) {
  expected_ = oracle_.own_blocks_of_step(level, k);
  if (oracle_.comm().size() == 1 && problem_.column_passes() != nullptr) {  // looked through for their columns before
    expected_.insert(expected_.end(), expected_.begin(), expected_.end());
  }
  const std::vector<Index> next = oracle_.own_blocks_of_step(level, k + 1);
  expected_.insert(expected_.end(), next.begin(), next.end());
  problem_.expect(level, expected_);
}

void SharedRows::pack(Index k, std::span<const Level> levels) {
  for (const Level level : levels) {
    for (const Index id : oracle_.own_blocks_of_step(level, k)) {
      append(message_, BlockHead{.level = level, .id = id});
      problem_.pack(level, oracle_.rows_of_block(level, id), message_);
    }
  }
}

}  // namespace meha
