// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_chunks.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include "meha/data/hdf5_file.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

/// A file with a dataset of n one-number rows, in chunks of 2; another dataset grows beside it.
void write_rows(const std::string& path, Index n) {
  auto file = Hdf5File::create(path, 0, ExitCode::Data);
  file.create_growing("/a", Hdf5File::Type::Int32, {1}, 2);
  file.create_growing("/b", Hdf5File::Type::Int64, {}, 3);
  file.set_attribute("/a", "text", std::string(3000, 'x'));  // the header has a continuation
  for (Index i = 0; i < n; ++i) {
    const auto small = static_cast<std::int32_t>(i);
    file.append("/a", 1, Hdf5File::Type::Int32, &small);
    file.append("/b", 1, Hdf5File::Type::Int64, &i);
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

}  // namespace
}  // namespace meha
