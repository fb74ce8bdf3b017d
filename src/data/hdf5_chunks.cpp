// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_chunks.hpp"

#include <cstring>
#include <fstream>

namespace meha {
namespace {

constexpr std::uint64_t continuation_message = 0x10;
constexpr std::uint64_t layout_message = 0x08;
constexpr std::uint64_t largest_header = 1 << 20;

/// A part of the file; numbers are little-endian.
class Bytes {
 public:
  Bytes(std::ifstream& file, std::uint64_t at, std::uint64_t size) : bytes_(size) {
    file.clear();
    file.seekg(static_cast<std::streamoff>(at));
    good_ = static_cast<bool>(file.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(size)));
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  /// 0 past the end.
  [[nodiscard]] std::uint64_t number(std::uint64_t at, std::uint64_t n_bytes) const {
    std::uint64_t value = 0;
    for (std::uint64_t i = n_bytes; at + n_bytes <= bytes_.size() && i > 0; --i) {
      value = value << 8U | bytes_[at + i - 1];
    }
    return value;
  }

 private:
  std::vector<unsigned char> bytes_;
  bool good_;
};

class ChunkFinder {
 public:
  ChunkFinder(const std::string& path, Index n_dimensions, Index chunk_rows, Index n_chunks)
      : file_(path, std::ios::binary),
        n_dimensions_(static_cast<std::uint64_t>(n_dimensions)),
        chunk_rows_(static_cast<std::uint64_t>(chunk_rows)),
        chunks_(static_cast<std::size_t>(n_chunks), {-1, 0}),
        nodes_left_(largest_level * (chunks_.size() + 1)) {}

  std::optional<std::vector<Hdf5Chunk>> find(std::uint64_t header) {
    const Bytes start(file_, header, 16);
    if (!start.good() || start.number(0, 1) != 1) {
      return {};
    }
    const auto root = root_in(header + 16, start.number(8, 4));
    if (!root || !walk(*root, largest_level)) {
      return {};
    }
    for (const Hdf5Chunk& chunk : chunks_) {
      if (chunk.offset < 0) {
        return {};
      }
    }
    return std::move(chunks_);
  }

 private:
  static constexpr std::uint64_t largest_level = 32;

  /// The address of the B-tree of chunks, which the layout message names.
  std::optional<std::uint64_t> root_in(std::uint64_t at, std::uint64_t size, int depth = 0) {
    if (size > largest_header || depth > 8) {
      return {};
    }
    const Bytes messages(file_, at, size);
    for (std::uint64_t i = 0; messages.good() && i + 8 <= size; i += 8 + messages.number(i + 2, 2)) {
      const std::uint64_t data = i + 8;
      const auto type = messages.number(i, 2);
      if (type == layout_message) {
        const bool by_tree = messages.number(data, 1) == 3 && messages.number(data + 1, 1) == 2 &&
                             messages.number(data + 2, 1) == n_dimensions_ + 1;
        return by_tree ? std::optional(messages.number(data + 3, 8)) : std::nullopt;
      }
      if (type == continuation_message) {
        if (const auto root = root_in(messages.number(data, 8), messages.number(data + 8, 8), depth + 1)) {
          return root;
        }
      }
    }
    return {};
  }

  /// Takes the chunks below a node. @return false when it is no such node
  bool walk(std::uint64_t at, std::uint64_t levels_left) {
    const Bytes head(file_, at, 24);
    if (nodes_left_-- == 0 || !head.good() || head.number(0, 4) != 0x45455254 /* TREE */ || head.number(4, 1) != 1 ||
        head.number(5, 1) >= levels_left) {
      return false;
    }
    const auto level = head.number(5, 1);
    const auto n_entries = head.number(6, 2);
    const std::uint64_t key_size = 8 + 8 * (n_dimensions_ + 1);
    const Bytes entries(file_, at + 24, n_entries * (key_size + 8));
    for (std::uint64_t i = 0; entries.good() && i < n_entries; ++i) {
      const std::uint64_t key = i * (key_size + 8);
      const auto child = entries.number(key + key_size, 8);
      const auto chunk = entries.number(key + 8, 8) / chunk_rows_;
      if (level > 0 && !walk(child, level)) {
        return false;
      }
      if (level == 0 && chunk < chunks_.size()) {
        chunks_[chunk] = {static_cast<Index>(child), static_cast<Index>(entries.number(key, 4))};
      }
    }
    return entries.good();
  }

  std::ifstream file_;
  std::uint64_t n_dimensions_, chunk_rows_;
  std::vector<Hdf5Chunk> chunks_;
  std::uint64_t nodes_left_;  // a damaged tree may lead in circles
};

}  // namespace

std::optional<std::vector<Hdf5Chunk>> find_chunks(const std::string& path, Index header, Index n_dimensions,
                                                  Index chunk_rows, Index n_chunks) {
  return ChunkFinder(path, n_dimensions, chunk_rows, n_chunks).find(static_cast<std::uint64_t>(header));
}

}  // namespace meha
