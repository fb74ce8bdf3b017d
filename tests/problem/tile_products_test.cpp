// SPDX-License-Identifier: MIT
// Products of bfloat16 against plain loops over factors that are rounded as the definition of bfloat16 says. Those of
// float and double are in kernels_test.cpp.
#include "meha/problem/tile_products.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;

std::size_t size(Index n) {
  return static_cast<std::size_t>(n);
}

/// The nearest number of 8 significant bits, ties to even.
Real rounded(Real value) {
  int exponent = 0;
  const Real fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
}

/// A sum and the sum of the magnitudes of its terms.
struct Sum {
  Real value = 0, magnitude = 0;
  void add(Real term) {
    value += term;
    magnitude += std::fabs(term);
  }
};

class BFloat16Products : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_bfloat16()) {
      GTEST_SKIP() << "this processor has no AVX-512 with BF16";
    }
  }

  void make(Storage element, Index n_rows, Index n, Index n_columns) {
    n_rows_ = n_rows;
    n_ = n;
    n_columns_ = n_columns;
    rows_ = RowSet({.n_rows = n_rows, .block_rows = tile_rows}, {0, n_rows}, n, element);
    a_.resize(size(n_rows * n));
    const auto bytes = rows_.feature_bytes({0, n_rows});
    for (Index i = 0; i < n_rows * n; ++i) {
      const auto value = static_cast<float>(random_value(1, i));
      const Index byte = random_below(256, test::seed(), Stream::Check, 2, i);
      if (element == Storage::UInt8) {
        bytes[size(i)] = static_cast<std::byte>(byte);
      } else {
        std::memcpy(bytes.data() + 4 * i, &value, 4);
      }
      a_[size(i)] = element == Storage::UInt8 ? static_cast<float>(byte) : value;
    }
    weights_ = random(3, n * n_columns);
    bias_ = random(4, n_columns);
    residuals_ = random(5, n_rows * n_columns);
    products_.emplace(ClassifierShape{.n_features = n, .n_classes = 2, .element = element}, Simd::Avx512);
  }
  static std::vector<float> random(Index which, Index n) {
    std::vector<float> values;
    for (Index i = 0; i < n; ++i) {
      values.push_back(static_cast<float>(random_value(which, i)));
    }
    return values;
  }
  /// Rows of n numbers, grouped; those past the last are `past`.
  [[nodiscard]] std::vector<float> grouped(const std::vector<float>& rows, Index n, float past) const {
    std::vector<float> all(size(padded(n_rows_) * n), past);
    for (Index i = 0; i < n_rows_ * n; ++i) {
      all[grouped_at(i / n, i % n, n)] = rows[size(i)];
    }
    return all;
  }

  [[nodiscard]] TileProducts<BFloat16>::Panels panels() const {
    TileProducts<BFloat16>::Panels all;
    products_->fill(
        n_, n_columns_, [&](Index i, Index column) { return Real{weights_[size(i * n_columns_ + column)]}; }, all);
    return all;
  }
  /// As float32 sums the products in any order. @param found  (index) of a row and a column
  void expect(const Sum& sum, Index n_terms, float found) {
    const Real tolerance = static_cast<Real>(n_terms + 2) * std::numeric_limits<float>::epsilon() * sum.magnitude;
    n_wrong_ += std::fabs(static_cast<Real>(found) - sum.value) <= tolerance ? 0 : 1;
  }
  void expect_forward(const std::vector<float>& out) {
    for (Index row = 0; row < n_rows_; ++row) {
      for (Index c = 0; c < n_columns_; ++c) {
        Sum sum;
        sum.add(Real{bias_[size(c)]});
        for (Index i = 0; i < n_; ++i) {
          sum.add(rounded(Real{a_[size(row * n_ + i)]}) * rounded(Real{weights_[size(i * n_columns_ + c)]}));
        }
        expect(sum, n_, out[grouped_at(row, c, n_columns_)]);
      }
    }
    EXPECT_EQ(n_wrong_, 0) << "forward: " << n_rows_ << "×" << n_ << "×" << n_columns_;
  }
  void expect_backward(float before, const std::vector<float>& gradient) {
    for (Index c = 0; c < n_columns_; ++c) {
      for (Index i = 0; i < n_; ++i) {
        Sum sum;
        sum.add(Real{before});
        for (Index row = 0; row < n_rows_; ++row) {
          sum.add(rounded(Real{a_[size(row * n_ + i)]}) * rounded(Real{residuals_[size(row * n_columns_ + c)]}));
        }
        expect(sum, n_rows_, gradient[size(c * padded(n_) + i)]);
      }
    }
    EXPECT_EQ(n_wrong_, 0) << "backward: " << n_rows_ << "×" << n_ << "×" << n_columns_;
  }

  /// Both products of the features; those to a gradient of 0 have the bits of those that need none before.
  void check_features() {
    const Tile tile = rows_.tile({0, n_rows_});
    std::vector<float> out(size(tile_rows * n_columns_));
    products_->read(tile);
    products_->forward(tile, panels(), bias_.data(), n_columns_, out.data());
    expect_forward(out);
    const auto residuals = grouped(residuals_, n_columns_, 0);
    for (const float before : {0.0F, 0.25F}) {
      std::vector<float> gradient(size(padded(n_) * n_columns_), before);
      products_->backward(tile, residuals.data(), n_columns_, gradient.data(), true);
      expect_backward(before, gradient);
      std::vector<float> set(gradient.size(), 7);
      products_->backward(tile, residuals.data(), n_columns_, set.data(), false);
      EXPECT_EQ(set == gradient, before == 0);
    }
  }
  /// The same of numbers between two layers, with any numbers in the rows that fill the last group.
  void check_hidden() {
    const auto input = grouped(a_, n_, 3);
    std::vector<float> out(size(padded(n_rows_) * n_columns_));
    products_->forward(input.data(), n_rows_, n_, panels(), bias_.data(), n_columns_, out.data());
    expect_forward(out);
    const auto residuals = grouped(residuals_, n_columns_, 0);
    std::vector<float> gradient(size(padded(n_) * n_columns_), 0.25F);
    products_->backward(input.data(), n_rows_, n_, residuals.data(), n_columns_, gradient.data(), true);
    expect_backward(0.25F, gradient);
  }

  RowSet rows_;
  Index n_rows_ = 0, n_ = 0, n_columns_ = 0, n_wrong_ = 0;
  std::vector<float> a_, weights_, bias_, residuals_;
  std::optional<TileProducts<BFloat16>> products_;
};

TEST_F(BFloat16Products, AreThoseOfRoundedFactors) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n_rows : {1, 2, 15, 16, 33, 101}) {
    for (const Index n : {1, 2, 17, 54}) {
      for (const Index n_columns : {1, 7, 13, 20, 50}) {
        make(Storage::UInt8, n_rows, n, n_columns);
        check_features();
        make(Storage::Float32, n_rows, n, n_columns);
        check_features();
        check_hidden();
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  make(Storage::UInt8, 128, 784, 20);
  check_features();
}

// What the processor rounds, and what is rounded once a pass: the same, but for numbers below 2^-126, which count as 0.
TEST_F(BFloat16Products, RoundAlike) {
  std::vector<float> values(16, 0.0F);
  const auto bits = [](std::uint32_t of) { return std::bit_cast<float>(of); };
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> some = {0.0F,
                                   -0.0F,
                                   1.0F,
                                   bits(0x3f808000),
                                   bits(0x3f818000),
                                   bits(0x3f808001),
                                   -1e30F,
                                   std::numeric_limits<float>::max(),
                                   infinity,
                                   -infinity,
                                   bits(0x00800000)};
  std::copy(some.begin(), some.end(), values.begin());
  std::vector<BFloat16Pair> pairs(8);
  pair_kernels().round(values.data(), 16, 1, pairs.data());
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(pairs[i], pair_of(values[2 * i], values[2 * i + 1])) << values[2 * i] << ", " << values[2 * i + 1];
  }
  EXPECT_EQ(pair_of(bits(0x3f808000), bits(0x3f818000)), BFloat16Pair{0x3f823f80});  // ties, to even
  EXPECT_EQ(pair_of(std::numeric_limits<float>::quiet_NaN(), 0), BFloat16Pair{0x7fc0});
}

}  // namespace
}  // namespace meha
