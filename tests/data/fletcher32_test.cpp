// SPDX-License-Identifier: MIT
#include "meha/data/fletcher32.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "meha/core/random.hpp"
#include "meha/data/hdf5_file.hpp"
#include "support/scratch.hpp"

namespace meha {
namespace {

/// What HDF5 stores for one chunk of these bytes.
std::uint32_t checksum_of(const Scratch& scratch, const std::vector<std::byte>& bytes) {
  const std::string path = scratch.file("a.h5");
  {
    Hdf5File file = Hdf5File::create(path, 0, ExitCode::Data);
    const auto n = static_cast<Index>(bytes.size());
    file.create_growing("/a", Storage::UInt8, {n}, 1);
    file.append("/a", 1, Storage::UInt8, bytes.data());
    file.close();
  }
  const auto chunk = Hdf5File::open(path, ExitCode::Data).chunk_addresses("/a").at(0);
  std::ifstream file(path, std::ios::binary);
  file.seekg(chunk.offset + chunk.size - 4);
  std::uint32_t checksum = 0;
  file.read(reinterpret_cast<char*>(&checksum), sizeof checksum);
  return checksum;
}

TEST(Fletcher32, AgreesWithHdf5OnAnyBytes) {
  const Scratch scratch;
  for (const std::size_t n : {1U, 2U, 3U, 63U, 64U, 65U, 720U, 16384U, 16385U, 100001U}) {
    for (const Index kind : {0, 1, 2}) {  // random, all ones, all zeros
      std::vector<std::byte> bytes(n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto value = kind == 0   ? random_below(256, 1, Stream::Own, 0, static_cast<Index>(i))
                           : kind == 1 ? 255
                                       : 0;
        bytes[i] = static_cast<std::byte>(value);
      }
      const auto checksum = checksum_of(scratch, bytes);
      EXPECT_TRUE(fletcher32_matches(bytes, checksum)) << n << " bytes of kind " << kind;
      EXPECT_FALSE(fletcher32_matches(bytes, checksum ^ 0x00010000U));
      for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
        auto damaged = bytes;
        damaged[at] ^= std::byte{0x10};
        EXPECT_FALSE(fletcher32_matches(damaged, checksum)) << n << " bytes of kind " << kind << ", " << at;
      }
    }
  }
}

}  // namespace
}  // namespace meha
