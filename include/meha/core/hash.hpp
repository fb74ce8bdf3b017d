// SPDX-License-Identifier: MIT
// 64-bit hash of bytes: recognises damaged files and changed data. Not a signature.
// Source: XXH3 (library xxHash).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace meha {

std::uint64_t hash_of(std::span<const std::byte> bytes);

class Hasher {
 public:
  Hasher();
  void add(std::span<const std::byte> bytes);
  template <class T>
  void add_values(std::span<const T> values) {
    add(std::as_bytes(values));
  }
  [[nodiscard]] std::uint64_t value() const;
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

}  // namespace meha
