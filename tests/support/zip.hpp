// SPDX-License-Identifier: MIT
// ZIP archives for tests.
#pragma once

#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

namespace meha {

/// Returns a number as n bytes, the lowest first.
inline std::string bytes_of(std::size_t value, int n) {
  std::string bytes;
  for (; n > 0; --n, value >>= 8U) {
    bytes += static_cast<char>(value & 255U);
  }
  return bytes;
}

/// @param window_bits  of zlib: -MAX_WBITS for bare data, MAX_WBITS + 16 for gzip
inline std::string deflated(const std::string& content, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<unsigned>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<unsigned>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

/// Returns an archive of members (name, content). @param is_large  with the fields of archives above 4 GiB
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& members, bool is_deflated,
                          bool is_large = false) {
  std::string archive;
  std::string directory;
  for (const auto& [name, content] : members) {
    const std::string packed = is_deflated ? deflated(content, -MAX_WBITS) : content;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<unsigned>(content.size()));
    const std::string what =
        bytes_of(45, 2) + bytes_of(0, 2) + bytes_of(is_deflated ? 8 : 0, 2) + bytes_of(0, 4) + bytes_of(sum, 4);
    const std::string sizes = bytes_of(packed.size(), 4) + bytes_of(content.size(), 4);
    const std::string large = bytes_of(1, 2) + bytes_of(24, 2) + bytes_of(content.size(), 8) +
                              bytes_of(packed.size(), 8) + bytes_of(archive.size(), 8);
    directory += "PK\x01\x02" + bytes_of(45, 2) + what + (is_large ? std::string(8, '\xff') : sizes) +
                 bytes_of(name.size(), 2) + bytes_of(is_large ? large.size() : 0, 2) + bytes_of(0, 10) +
                 (is_large ? std::string(4, '\xff') : bytes_of(archive.size(), 4)) + name + (is_large ? large : "");
    archive += "PK\x03\x04" + what + sizes + bytes_of(name.size(), 2) + bytes_of(0, 2) + name + packed;
  }
  const std::size_t at = archive.size();
  archive += directory;
  if (is_large) {
    const std::size_t end_at = archive.size();
    archive += "PK\x06\x06" + bytes_of(44, 8) + bytes_of(45, 2) + bytes_of(45, 2) + bytes_of(0, 8) +
               bytes_of(members.size(), 8) + bytes_of(members.size(), 8) + bytes_of(directory.size(), 8) +
               bytes_of(at, 8);
    archive += "PK\x06\x07" + bytes_of(0, 4) + bytes_of(end_at, 8) + bytes_of(1, 4);
  }
  return archive + "PK\x05\x06" + bytes_of(0, 4) + bytes_of(members.size(), 2) + bytes_of(members.size(), 2) +
         (is_large ? std::string(8, '\xff') : bytes_of(directory.size(), 4) + bytes_of(at, 4)) + bytes_of(0, 2);
}

}  // namespace meha
