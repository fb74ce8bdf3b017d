// SPDX-License-Identifier: MIT
// Products of bytes with int16 numbers at every level that this processor has. Integers of at most 14 bits are their own
// rounded values, so that sums of them are known exactly; other numbers are rounded by half a unit at most.
#include "meha/problem/tile_products.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;

constexpr Index largest = (1 << 14) - 1;  // of the integers

std::size_t size(Index n) {
  return static_cast<std::size_t>(n);
}

/// A tile of random bytes, or all the same.
class Bytes {
 public:
  Bytes(Index n_rows, Index n, std::optional<int> all = {})
      : n_rows_(n_rows), n_(n), rows_({.n_rows = n_rows, .block_rows = tile_rows}, {0, n_rows}, n, Storage::UInt8) {
    const auto bytes = rows_.feature_bytes({0, n_rows});
    for (Index i = 0; i < n_rows * n; ++i) {
      bytes[size(i)] = static_cast<std::byte>(all ? *all : random_below(256, test::seed(), Stream::Check, 1, i));
    }
  }
  [[nodiscard]] Index n_rows() const { return n_rows_; }
  [[nodiscard]] Index n() const { return n_; }
  [[nodiscard]] Tile tile() const { return rows_.tile({0, n_rows_}); }
  [[nodiscard]] Real at(Index row, Index i) const {
    return static_cast<Real>(static_cast<std::uint8_t>(tile().features[row * n_ + i]));
  }

 private:
  Index n_rows_, n_;
  RowSet rows_;
};

using Matrix = std::function<Real(Index, Index)>;  // (i, column)

/// The products of `bytes` with b, n × n_columns: forward, [row][column].
std::vector<float> forward(const Bytes& bytes, Simd simd, Index n_columns, const Matrix& b, float bias) {
  TileProducts<Int16> products({.n_features = bytes.n(), .n_classes = 2, .element = Storage::UInt8}, simd);
  std::vector<std::vector<Real>> columns(size(n_columns));
  for (Index c = 0; c < n_columns; ++c) {
    for (Index i = 0; i < bytes.n(); ++i) {
      columns[size(c)].push_back(b(i, c));
    }
  }
  TileProducts<Int16>::Panels panels;
  products.fill(
      bytes.n(), n_columns, [&](Index c) { return columns[size(c)].data(); }, 1, panels);
  const std::vector<float> biases(size(n_columns), bias);
  std::vector<float> out(size(tile_rows * n_columns));
  products.read(bytes.tile());
  products.forward(bytes.tile(), panels, biases.data(), n_columns, out.data());
  std::vector<float> found;
  for (Index row = 0; row < bytes.n_rows(); ++row) {
    for (Index c = 0; c < n_columns; ++c) {
      found.push_back(out[grouped_at(row, c, n_columns)]);
    }
  }
  return found;
}

/// The products with residuals, n_rows × n_columns: backward, [i][column]. @param before  what is there already, none: set
std::vector<float> backward(const Bytes& bytes, Simd simd, Index n_columns, const Matrix& residuals,
                            std::optional<float> before) {
  TileProducts<Int16> products({.n_features = bytes.n(), .n_classes = 2, .element = Storage::UInt8}, simd);
  std::vector<float> grouped(size(padded(bytes.n_rows()) * n_columns), 0);
  for (Index row = 0; row < bytes.n_rows(); ++row) {
    for (Index c = 0; c < n_columns; ++c) {
      grouped[grouped_at(row, c, n_columns)] = static_cast<float>(residuals(row, c));
    }
  }
  std::vector<float> gradient(size(padded(bytes.n()) * n_columns), before.value_or(7));
  products.read(bytes.tile());
  products.backward(bytes.tile(), grouped.data(), n_columns, gradient.data(), before.has_value());
  std::vector<float> found;
  for (Index i = 0; i < bytes.n(); ++i) {
    for (Index c = 0; c < n_columns; ++c) {
      found.push_back(gradient[size(c * padded(bytes.n()) + i)]);
    }
  }
  return found;
}

/// Integers of which each column has the largest.
Matrix integers(Index n) {
  return [n](Index i, Index c) {
    const Index integer = random_below(2 * largest + 1, test::seed(), Stream::Check, 2 + c, i) - largest;
    return static_cast<Real>(i == c % n ? (c % 2 == 0 ? largest : -largest) : integer);
  };
}

Matrix transposed(const Bytes& bytes) {
  return [&bytes](Index i, Index row) { return bytes.at(row, i); };
}
Matrix rows_of(const Bytes& bytes) {
  return [&bytes](Index row, Index i) { return bytes.at(row, i); };
}

/// Σ_k a(k, i)·b(k, column) of n terms in double, which holds them exactly where they are integers. [i][column]
std::vector<Real> sums(Index n, Index n_out, Index n_columns, const Matrix& a, const Matrix& b) {
  std::vector<Real> all;
  for (Index i = 0; i < n_out; ++i) {
    for (Index c = 0; c < n_columns; ++c) {
      Real sum = 0;
      for (Index k = 0; k < n; ++k) {
        sum += a(k, i) * b(k, c);
      }
      all.push_back(sum);
    }
  }
  return all;
}

class Int16Products : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > best_simd()) {
      GTEST_SKIP() << "this processor has no " << name(GetParam());
    }
  }
};

TEST_P(Int16Products, OfIntegersAreExact) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n_rows : {1, 2, 15, 16, 33, 101, 128}) {
    for (const Index n : {1, 2, 17, 54, 512}) {
      for (const Index n_columns : {1, 6, 7, 13, 20}) {
        const Bytes bytes(n_rows, n);
        const auto out = forward(bytes, GetParam(), n_columns, integers(n), 0);
        const auto right = sums(n, n_rows, n_columns, transposed(bytes), integers(n));
        ASSERT_EQ(out, std::vector<float>(right.begin(), right.end())) << n_rows << "×" << n << "×" << n_columns;
        const auto gradient = backward(bytes, GetParam(), n_columns, integers(n_rows), {});
        const auto right_gradient = sums(n_rows, n, n_columns, rows_of(bytes), integers(n_rows));
        ASSERT_EQ(gradient, std::vector<float>(right_gradient.begin(), right_gradient.end()))
            << n_rows << "×" << n << "×" << n_columns;
        ASSERT_EQ(backward(bytes, GetParam(), n_columns, integers(n_rows), 0.0F), gradient);
      }
    }
  }
}

TEST_P(Int16Products, DoNotOverflow) {
  const auto extreme = [](Index /*i*/, Index column) { return column == 0 ? Real{largest} : -Real{largest}; };
  for (const Index n : {511, 512, 513, 784, 1025, 3072}) {
    const Bytes bytes(128, n, 255);
    const auto out = forward(bytes, GetParam(), 2, extreme, 0);
    EXPECT_FLOAT_EQ(out[0], 255.0F * largest * static_cast<float>(n));
    EXPECT_FLOAT_EQ(out[1], -255.0F * largest * static_cast<float>(n));
    const auto gradient = backward(bytes, GetParam(), 2, extreme, {});
    EXPECT_FLOAT_EQ(gradient[0], 255.0F * largest * 128);
    EXPECT_FLOAT_EQ(gradient[1], -255.0F * largest * 128);
  }
}

TEST_P(Int16Products, RoundByHalfAUnitOfTheLargest) {
  SCOPED_TRACE(test::seed_text());
  const auto numbers = [](Index i, Index c) { return random_value(5 + c, i) * std::pow(10.0, static_cast<double>(c)); };
  const auto expect_close = [&](Index n, Index n_columns, const std::vector<float>& found,
                                const std::vector<Real>& right, Real before) {
    for (std::size_t at = 0; at < found.size(); ++at) {
      const auto c = static_cast<Index>(at) % n_columns;
      Real most = 0;
      for (Index i = 0; i < n; ++i) {
        most = std::max(most, std::fabs(numbers(i, c)));
      }
      const Real magnitude = 255 * static_cast<Real>(n) * most;  // of the sum of all terms
      const Real rounding = 0.5 / largest + 4 * std::numeric_limits<float>::epsilon();
      ASSERT_NEAR(static_cast<Real>(found[at]), before + right[at], rounding * magnitude + 1e-7) << at;
    }
  };
  const Bytes bytes(101, 784);
  expect_close(784, 7, forward(bytes, GetParam(), 7, numbers, 0.5F), sums(784, 101, 7, transposed(bytes), numbers),
               0.5);
  expect_close(101, 7, backward(bytes, GetParam(), 7, numbers, 0.5F), sums(101, 784, 7, rows_of(bytes), numbers), 0.5);
}

TEST_P(Int16Products, OfAColumnDoNotDependOnItsNeighbours) {
  SCOPED_TRACE(test::seed_text());
  const Bytes bytes(101, 54);
  const auto numbers = [](Index i, Index c) { return random_value(20 + c, i); };
  for (const Index n_columns : {2, 3, 5, 6, 7, 12, 13, 20}) {
    const auto out = forward(bytes, GetParam(), n_columns, numbers, 0.3F);
    const auto set = backward(bytes, GetParam(), n_columns, numbers, {});
    const auto added = backward(bytes, GetParam(), n_columns, numbers, 0.3F);
    for (Index c = 0; c < n_columns; ++c) {
      const auto alone = [&](Index i, Index /*column*/) { return numbers(i, c); };
      const auto column_of = [&](const std::vector<float>& all) {
        std::vector<float> column;
        for (std::size_t at = size(c); at < all.size(); at += size(n_columns)) {
          column.push_back(all[at]);
        }
        return column;
      };
      ASSERT_EQ(column_of(out), forward(bytes, GetParam(), 1, alone, 0.3F)) << c << " of " << n_columns;
      ASSERT_EQ(column_of(set), backward(bytes, GetParam(), 1, alone, {})) << c << " of " << n_columns;
      ASSERT_EQ(column_of(added), backward(bytes, GetParam(), 1, alone, 0.3F)) << c << " of " << n_columns;
    }
  }
}

TEST_P(Int16Products, PassOnWhatIsNotFinite) {
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  const Bytes bytes(20, 33, 1);
  for (const Real bad : {std::numeric_limits<Real>::quiet_NaN(), infinity, -infinity, 1e300}) {
    const auto column_1_is_bad = [&](Index i, Index column) { return column == 1 && i == 18 ? bad : 1.0; };
    const auto out = forward(bytes, GetParam(), 3, column_1_is_bad, 0);
    EXPECT_EQ(out[0], 33);
    EXPECT_TRUE(std::isnan(out[1]));
    EXPECT_EQ(out[2], 33);
    const auto gradient = backward(bytes, GetParam(), 3, column_1_is_bad, {});
    EXPECT_EQ(gradient[0], 20);
    EXPECT_TRUE(std::isnan(gradient[1]));
    EXPECT_EQ(gradient[2], 20);
  }
  for (const Real tiny : {0.0, 1e-40, 1e-310}) {
    const auto all_tiny = [&](Index /*i*/, Index /*column*/) { return tiny; };
    EXPECT_EQ(forward(bytes, GetParam(), 3, all_tiny, 0.25F)[0], 0.25F);
    EXPECT_EQ(backward(bytes, GetParam(), 3, all_tiny, 0.25F)[0], 0.25F);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Int16Products, testing::Values(Simd::Baseline, Simd::Avx2, Simd::Avx512),
                         [](const auto& level) { return std::string(name(level.param)); });

}  // namespace
}  // namespace meha
