// SPDX-License-Identifier: MIT
// What a ZIP archive holds, as its central directory says: numpy.savez() writes one, with an array in each member.
// Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3, and 4.5.3 for archives above 4 GiB)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meha/core/types.hpp"

namespace meha {

struct ZipMember {
  std::string name;
  Index begin = 0, packed_bytes = 0, bytes = 0;  // where it stands in the archive, and its size as packed and unpacked
  std::uint32_t checksum = 0;                    // CRC-32 of what is unpacked
  bool is_deflated = false;                      // else stored as it is
};

/// Whether the file begins as a ZIP archive does. A file that cannot be read does not.
bool is_zip(const std::string& path);

/// Returns all members of an archive, in its order.
/// Errors: Error(Data) for a damaged or truncated archive, an encrypted member, another method than stored or deflated.
std::vector<ZipMember> zip_members(const std::string& path);

}  // namespace meha
