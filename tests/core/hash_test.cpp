// SPDX-License-Identifier: MIT
#include "meha/core/hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace meha {
namespace {

std::uint64_t hash_of(const std::string& text) {
  Hasher hasher;
  hasher.add_values(std::span(text));
  return hasher.value();
}

TEST(Hasher, IsXxh3) {
  EXPECT_EQ(Hasher().value(), 0x2d06800538d394c2U);  // XXH3 of no bytes, seed 0
  EXPECT_EQ(Hasher().hex(), "2d06800538d394c2");
}

TEST(Hasher, DoesNotCareHowBytesArePortioned) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  Hasher portions;
  portions.add_values(std::span(text).first(5));
  portions.add({});
  portions.add_values(std::span(text).subspan(5));
  EXPECT_EQ(portions.value(), hash_of(text));
}

TEST(Hasher, SeesEveryBitAndTheLength) {
  std::string text(300, 'a');
  const auto before = hash_of(text);
  EXPECT_NE(hash_of(text + '\0'), before);
  for (char& c : text) {
    c = static_cast<char>(c ^ 1);
    EXPECT_NE(hash_of(text), before);
    c = static_cast<char>(c ^ 1);
  }
}

}  // namespace
}  // namespace meha
