// SPDX-License-Identifier: MIT
#include "meha/data/block_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "meha/core/error.hpp"
#include "meha/core/host.hpp"
#include "meha/data/fletcher32.hpp"

namespace meha {
namespace {

constexpr Index checksum_bytes = 4;
constexpr Index readable_past_end = 64;

void interleave(const std::byte* features, const std::byte* values, Index n, std::byte* to) {
  for (Index i = 0; i < n; ++i) {
    Entry entry;
    std::memcpy(&entry.feature, features + i * 4, 4);
    std::memcpy(&entry.value, values + i * 4, 4);
    std::memcpy(to + i * Index{sizeof entry}, &entry, sizeof entry);
  }
}

}  // namespace

BlockReader::BlockReader(RowsOnDisk rows, BlockPlan plan, Index first_row, Range own, std::vector<Index> first_entry)
    : rows_(std::move(rows)),
      plan_(plan),
      first_row_(first_row),
      own_(own),
      first_entry_(std::move(first_entry)),
      chunk_bytes_(rows_.chunk_rows * rows_.n_features * bytes_per(in_memory(rows_.stored))),
      file_(open(rows_.path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) {
    throw Error(ExitCode::Data, rows_.path + ": " + std::strerror(errno));
  }
  try {
    expect_unchanged();
  } catch (const Error&) {
    close(file_);
    throw;
  }
  const auto n_bytes = static_cast<std::size_t>(rows_.stored_chunk_bytes() + checksum_bytes);
  stored_.resize(rows_.stored == Storage::Sparse || rows_.stored == Storage::Float16 ? n_bytes : 0);
  values_.resize(rows_.stored == Storage::Sparse ? n_bytes : 0);
}

BlockReader::~BlockReader() {
  close(file_);
}

Index BlockReader::buffer_bytes() const {
  if (rows_.stored != Storage::Sparse) {
    const Index skipped = first_row_ % rows_.chunk_rows;  // rows of a block's first chunk that precede the block
    const Index n_rows = std::min(plan_.block_rows, own_.size());
    const Index n_chunks = own_.empty() ? 0 : (skipped + n_rows + rows_.chunk_rows - 1) / rows_.chunk_rows;
    return n_chunks * chunk_bytes_ + std::max(checksum_bytes, readable_past_end);
  }
  Index most = 0;
  for (Index row = own_.begin; row < own_.end; row += plan_.block_rows) {
    const auto places = entries_of(row / plan_.block_rows);
    most = std::max(most, places.back() - places.front());
  }
  return most * bytes_per(Storage::Sparse) + readable_past_end;
}

void BlockReader::expect_unchanged() const {
  const FileStamp now = stamp_of(file_);
  if (rows_.stamp != FileStamp() && now != rows_.stamp) {
    throw Error(ExitCode::Data,
                rows_.path +
                    ": was written to while a run reads it: its results would be of neither file; resume "
                    "with the file as it was, or begin a new run");
  }
}

const std::byte* BlockReader::read(Index block, std::span<std::byte> buffer) {
  const std::byte* const first_row = read_block(block, buffer);
  expect_unchanged();
  return first_row;
}

const std::byte* BlockReader::read_block(Index block, std::span<std::byte> buffer) {
  if (rows_.stored == Storage::Sparse) {
    read_entries(block, buffer.data());
    return buffer.data();
  }
  const Index begin = first_row_ + plan_.rows(block).begin;
  const Index end = first_row_ + plan_.rows(block).end;
  std::byte* to = buffer.data();
  for (Index chunk = begin / rows_.chunk_rows; chunk * rows_.chunk_rows < end; ++chunk, to += chunk_bytes_) {
    read_stored("/features", rows_.chunks, chunk, stored_.empty() ? to : stored_.data());
    if (!stored_.empty()) {
      widen(stored_.data(), rows_.chunk_rows * rows_.n_features, to);
    }
  }
  return buffer.data() + begin % rows_.chunk_rows * (chunk_bytes_ / rows_.chunk_rows);
}

std::span<const Index> BlockReader::entries_of(Index block) const {
  const Range rows = plan_.rows(block);
  return slice(std::span(first_entry_), {rows.begin - own_.begin, rows.end - own_.begin + 1});
}

void BlockReader::read_entries(Index block, std::byte* to) {
  const auto places = entries_of(block);
  const Index begin = places.front();
  for (Index at = begin; at < places.back();) {
    const Index chunk = at / rows_.chunk_rows;
    if (chunk != chunk_at_hand_) {
      chunk_at_hand_ = -1;
      read_stored("/features/feature", rows_.chunks, chunk, stored_.data());
      read_stored("/features/value", rows_.value_chunks, chunk, values_.data());
      chunk_at_hand_ = chunk;
    }
    const Index skipped = at % rows_.chunk_rows * 4;
    const Index n = std::min(places.back(), (chunk + 1) * rows_.chunk_rows) - at;
    interleave(stored_.data() + skipped, values_.data() + skipped, n, to + (at - begin) * bytes_per(Storage::Sparse));
    at += n;
  }
  check_entries(rows_.path, {reinterpret_cast<const Entry*>(to), static_cast<std::size_t>(places.back() - begin)},
                places, first_row_ + plan_.rows(block).begin, rows_.n_features);
  if (numbers_) {
    renumber_features(*numbers_, {to, static_cast<std::size_t>((places.back() - begin) * bytes_per(Storage::Sparse))});
  }
}

/// Reads one chunk and, behind it, its checksum.
void BlockReader::read_stored(const char* dataset, const std::vector<Hdf5Chunk>& chunks, Index chunk,
                              std::byte* to) const {
  const auto fail = [&](const std::string& cause) {
    throw Error(ExitCode::Data, rows_.path + (rows_.stored == Storage::Sparse ? ": entries " : ": rows ") +
                                    std::to_string(chunk * rows_.chunk_rows) + " to " +
                                    std::to_string((chunk + 1) * rows_.chunk_rows - 1) + " of " + dataset + " (block " +
                                    std::to_string(chunk) + "): " + cause);
  };
  const Hdf5Chunk& place = chunks[static_cast<std::size_t>(chunk)];
  for (Index n_read = 0; n_read < place.size;) {
    const auto n = pread(file_, to + n_read, static_cast<std::size_t>(place.size - n_read), place.offset + n_read);
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
    std::memcpy(&checksum, to + n_bytes, sizeof checksum);
    if (!fletcher32_matches({to, static_cast<std::size_t>(n_bytes)}, checksum)) {
      fail("damaged: their checksum is wrong; meha data verify looks at the whole file");
    }
  }
}

}  // namespace meha
