// SPDX-License-Identifier: MIT
#include "state_seal.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/hash.hpp"

namespace meha {

Seal seal_of(std::ifstream& file) {
  file.seekg(user_block_bytes);
  Seal seal;
  Hasher hasher;
  std::vector<char> buffer(1U << 20U);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<std::size_t>(file.gcount());
    hasher.add(std::as_bytes(std::span(buffer).first(n)));
    seal.length += n;
  }
  seal.hash = hasher.value();
  return seal;
}

void write_seal(const std::string& path) {
  std::ifstream content(path, std::ios::binary);
  const Seal seal = seal_of(content);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(&seal), sizeof seal);
  file.close();
  if (content.bad() || !file) {
    throw Error(ExitCode::Checkpoint, path + ": cannot be written: " + std::strerror(errno));
  }
}

}  // namespace meha
