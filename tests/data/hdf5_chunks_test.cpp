// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_chunks.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include "meha/data/hdf5_file.hpp"
#include "support/data_files.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

/// A file with a dataset of n one-number rows, in chunks of 2; another dataset grows beside it.
void write_rows(const std::string& path, Index n) {
  auto file = Hdf5File::create(path, 0, ExitCode::Data);
  file.create_growing("/a", Storage::Int32, {1}, 2);
  file.create_growing("/b", Storage::Int64, {}, 3);
  file.set_attribute("/a", "text", std::string(3000, 'x'));  // the header has a continuation
  for (Index i = 0; i < n; ++i) {
    const auto small = static_cast<std::int32_t>(i);
    file.append("/a", 1, Storage::Int32, &small);
    file.append("/b", 1, Storage::Int64, &i);
  }
  file.close();
}

Hdf5Chunk by_library(const std::string& path, Index row) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t set = H5Dopen2(file, "/a", H5P_DEFAULT);
  const hsize_t at[] = {static_cast<hsize_t>(row), 0};
  haddr_t address = 0;
  hsize_t size = 0;
  H5Dget_chunk_info_by_coord(set, at, nullptr, &address, &size);
  H5Dclose(set);
  H5Fclose(file);
  return {static_cast<Index>(address), static_cast<Index>(size)};
}

Index header_of(const std::string& path) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  H5O_info_t info;
  H5Oget_info_by_name(file, "/a", &info, H5P_DEFAULT);
  H5Fclose(file);
  return static_cast<Index>(info.addr);
}

TEST(Hdf5Chunks, AreWhereTheLibraryFindsThem) {
  const Scratch scratch;
  const std::string path = scratch.file("a.h5");
  for (const Index n : {1, 5, 1000}) {  // 500 chunks: a tree of two levels
    write_rows(path, n);
    const Index n_chunks = (n + 1) / 2;
    const auto found = find_chunks(path, header_of(path), 2, 2, n_chunks);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->size(), static_cast<std::size_t>(n_chunks));
    for (Index c = 0; c < n_chunks; ++c) {
      EXPECT_EQ((*found)[static_cast<std::size_t>(c)], by_library(path, 2 * c));
    }
  }
}

TEST(Hdf5Chunks, OtherBytesAreNotMisread) {
  const Scratch scratch;
  const std::string path = scratch.file("a.h5");
  write_rows(path, 9);
  const Index header = header_of(path);
  EXPECT_FALSE(find_chunks(path, header, 2, 2, 6).has_value());  // one more than there are
  EXPECT_FALSE(find_chunks(path, header, 3, 2, 5).has_value());  // other dimensions
  EXPECT_FALSE(find_chunks(path, header + 8, 2, 2, 5).has_value());
  EXPECT_FALSE(find_chunks(path, 1 << 30, 2, 2, 5).has_value());
  EXPECT_FALSE(find_chunks(scratch.file("missing"), header, 2, 2, 5).has_value());
}

std::string number(std::uint64_t value, int n_bytes) {
  std::string bytes;
  for (int i = 0; i < n_bytes; ++i) {
    bytes += static_cast<char>(value >> (8 * i));
  }
  return bytes;
}

/// An object header at 0 that names a tree at 64, whose nodes follow each other; every node but the last, which names
/// n chunks of one row, has n times the child that `child_of` tells for it.
template <class Child>
std::string tree_of(int n_nodes, std::uint64_t n, Child child_of) {
  const std::uint64_t node_bytes = 24 + n * 32;
  std::string bytes = number(1, 1) + std::string(7, '\0') + number(32, 8) + number(8, 2) + number(24, 6);
  bytes += number(3, 1) + number(2, 1) + number(2, 1) + number(64, 8);
  for (int i = 0; i < n_nodes; ++i) {
    bytes.resize(64 + static_cast<std::size_t>(i) * node_bytes);
    const int level = n_nodes - 1 - i;
    bytes +=
        "TREE" + number(1, 1) + number(static_cast<std::uint64_t>(level), 1) + number(n, 2) + std::string(16, '\0');
    for (std::uint64_t entry = 0; entry < n; ++entry) {
      const std::uint64_t child = level == 0 ? 7 : 64 + static_cast<std::uint64_t>(child_of(i)) * node_bytes;
      bytes += number(4, 4) + number(0, 4) + number(entry, 8) + number(0, 8) + number(child, 8);
    }
  }
  return bytes;
}

TEST(Hdf5Chunks, ATreeThatLeadsInCirclesOrFanningOutForeverIsLeft) {
  const Scratch scratch;
  const auto found = [&](const std::string& bytes) {
    return find_chunks(write_file(scratch.file("tree"), bytes), 0, 1, 1, 3);
  };
  const auto next = [](int node) { return node + 1; };
  const auto chunks = found(tree_of(2, 3, next));
  ASSERT_TRUE(chunks.has_value());
  EXPECT_EQ(*chunks, (std::vector<Hdf5Chunk>(3, {7, 4})));
  EXPECT_FALSE(found(tree_of(2, 3, [](int node) { return node; })).has_value());
  EXPECT_FALSE(found(tree_of(3, 3, [](int node) { return node == 1 ? 0 : 1; })).has_value());
  EXPECT_FALSE(found(tree_of(30, 3, next)).has_value());  // 3^29 ways to the last node
  EXPECT_FALSE(found(tree_of(40, 1, next)).has_value());  // deeper than any tree
}

}  // namespace
}  // namespace meha
