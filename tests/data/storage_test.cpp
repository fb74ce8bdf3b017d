// SPDX-License-Identifier: MIT
#include "meha/data/storage.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace meha {
namespace {

/// The definition of IEEE half precision: 1 sign, 5 exponent, 10 fraction bits.
float value_of(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  const float size = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                     : exponent == 31 ? std::numeric_limits<float>::infinity()
                                      : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (half & 0x8000) != 0 ? -size : size;
}

std::vector<float> widened(const std::vector<std::uint16_t>& halves) {
  std::vector<float> floats(halves.size());
  widen(std::as_bytes(std::span(halves)).data(), std::ssize(halves), std::as_writable_bytes(std::span(floats)).data());
  return floats;
}

std::vector<std::uint16_t> narrowed(const std::vector<float>& floats) {
  std::vector<std::uint16_t> halves(floats.size());
  narrow(std::as_bytes(std::span(floats)).data(), std::ssize(floats), std::as_writable_bytes(std::span(halves)).data());
  return halves;
}

TEST(Storage, EveryHalfBecomesItsFloatAndComesBack) {
  std::vector<std::uint16_t> halves;
  std::vector<float> expected;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    if ((bits & 0x7fff) <= 0x7c00) {  // a number, or infinity
      halves.push_back(static_cast<std::uint16_t>(bits));
      expected.push_back(value_of(halves.back()));
    }
  }
  EXPECT_EQ(widened(halves), expected);
  EXPECT_EQ(narrowed(expected), halves);
}

TEST(Storage, FloatsBecomeTheNearestHalf) {
  const std::vector<std::uint16_t> expected = {0x3c00, 0x3c00, 0x3c02, 0x7bff, 0x7c00, 0x0000, 0x0001};
  EXPECT_EQ(narrowed({1.0004F, 1 + 0x1p-11F, 1 + 0x3p-11F, 65519, 65520, 0x1p-25F, 0x1.1p-25F}), expected);
}

TEST(Storage, BytesNeedNoAlignment) {
  const std::vector<std::uint16_t> halves = {0x3c00, 0xc000};
  std::vector<std::byte> from(5);
  std::memcpy(from.data() + 1, halves.data(), 4);
  std::vector<std::byte> to(9);
  widen(from.data() + 1, 2, to.data() + 1);
  float second = 0;
  std::memcpy(&second, to.data() + 5, sizeof second);
  EXPECT_EQ(second, -2);
}

TEST(Storage, SizesAndNames) {
  EXPECT_EQ(bytes_per(Storage::Float16), 2);
  EXPECT_EQ(bytes_per(Storage::Float64), 8);
  EXPECT_EQ(bytes_per(Storage::Sparse), 8);
  EXPECT_EQ(in_memory(Storage::Float16), Storage::Float32);
  EXPECT_EQ(in_memory(Storage::UInt8), Storage::UInt8);
  EXPECT_STREQ(name_of(Storage::Float16), "float16");
  EXPECT_EQ(255 * feature_scale(Storage::UInt8), 1);
  EXPECT_EQ(feature_scale(Storage::Float32), 1);
}

}  // namespace
}  // namespace meha
