// SPDX-License-Identifier: MIT
#include "meha/problem/kernels/kernels.hpp"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "meha/problem/layouts.hpp"
#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;

std::vector<Simd> levels() {
  std::vector<Simd> all;
  for (const Simd simd : {Simd::Baseline, Simd::Avx2, Simd::Avx512}) {
    if (simd <= best_simd()) {
      all.push_back(simd);
    }
  }
  return all;
}

template <class T>
constexpr long double epsilon = std::numeric_limits<T>::epsilon();

std::size_t size(Index n) {
  return static_cast<std::size_t>(n);
}

template <class T, class E>
const Products<T, E>& products(Simd simd) {
  if constexpr (sizeof(E) == 1) {
    return tile_kernels<T>(simd).uint8;
  } else if constexpr (sizeof(E) == 4) {
    return tile_kernels<T>(simd).float32;
  } else {
    return tile_kernels<T>(simd).own;
  }
}

/// Rows of n numbers, grouped.
template <class T>
std::vector<T> to_groups(const std::vector<T>& rows, Index n) {
  const auto n_rows = static_cast<Index>(rows.size()) / n;
  std::vector<T> grouped(size(padded(n_rows) * n), T(0));
  for (Index row = 0; row < n_rows; ++row) {
    for (Index i = 0; i < n; ++i) {
      grouped[grouped_at(row, i, n)] = rows[size(row * n + i)];
    }
  }
  return grouped;
}

template <class T, class E>
void forward(Simd simd, const E* features, Index n_rows, Index n_features, const std::vector<T>& weights,
             const std::vector<T>& bias, std::vector<T>& logits) {
  const auto n_columns = static_cast<Index>(bias.size());
  logits.assign(size(padded(n_rows) * n_columns), T(-7));
  std::vector<E> grouped(size(padded(n_rows) * n_features));
  products<T, E>(simd).group(features, n_rows, n_features, grouped.data());
  std::vector<T> panels(weights.size());
  fill_panels(
      n_features, n_columns, tile_kernels<T>(simd).panel_columns,
      [&](Index i, Index column) { return weights[size(i * n_columns + column)]; }, panels.data());
  products<T, E>(simd).forward(grouped.data(), n_rows, n_features, panels.data(), bias.data(), n_columns, logits.data(),
                               features + n_rows * n_features);
}

template <class T, class E>
void backward(Simd simd, const E* features, Index n_rows, Index n_features, const std::vector<T>& residuals,
              Index n_columns, std::vector<T>& gradient, bool adds = true) {
  products<T, E>(simd).backward(features, n_rows, n_features, to_groups(residuals, n_columns).data(), n_columns,
                                gradient.data(), adds);
}

template <class Arithmetic, class Element>
struct Types {
  using T = Arithmetic;
  using E = Element;
};

template <class Pair>
class Kernels : public testing::Test {
 protected:
  using Number = typename Pair::T;
  using Feature = typename Pair::E;

  /// Features with 15 readable numbers after them, starting at an odd place.
  const Feature* make_features(Index n_rows, Index n_features) {
    stored_.assign(size(n_rows * n_features) + 1 + 15, Feature(0));
    for (Index i = 0; i < n_rows * n_features; ++i) {
      stored_[size(i) + 1] = sizeof(Feature) == 1
                                 ? static_cast<Feature>(random_below(256, test::seed(), Stream::Check, 5, i))
                                 : static_cast<Feature>(random_value(6, i, 2));
    }
    return stored_.data() + 1;
  }
  static std::vector<Number> random(Index n, Index which) {
    std::vector<Number> values(size(n));
    for (Index i = 0; i < n; ++i) {
      values[size(i)] = static_cast<Number>(random_value(which, i));
    }
    return values;
  }

 private:
  std::vector<Feature> stored_;
};

using AllTypes = testing::Types<Types<float, std::uint8_t>, Types<float, float>, Types<double, std::uint8_t>,
                                Types<double, float>, Types<double, double>>;
TYPED_TEST_SUITE(Kernels, AllTypes);

constexpr Index row_counts[] = {1, 2, 15, 16, 17, 33, 100, 130};
constexpr Index feature_counts[] = {1, 3, 15, 16, 17, 54, 257, 784};
constexpr Index column_counts[] = {2, 3, 5, 6, 7, 10, 13, 20, 23, 24, 25, 31, 50, 101};

// One chain of n multiplications and additions: |error| ≤ (n + 2)·ε·Σ|terms|, whatever is fused.
TYPED_TEST(Kernels, ForwardIsTheProduct) {
  using T = typename TypeParam::T;
  SCOPED_TRACE(test::seed_text());
  for (const Index n_features : feature_counts) {
    for (const Index n_rows : row_counts) {
      const auto* features = this->make_features(n_rows, n_features);
      for (const Index n_columns : column_counts) {
        if (n_features * n_rows * n_columns > 2'000'000 && n_columns < 50) {
          continue;
        }
        const auto weights = this->random(n_features * n_columns, 1);
        const auto bias = this->random(n_columns, 2);
        std::vector<std::vector<T>> logits;
        for (const Simd simd : levels()) {
          forward(simd, features, n_rows, n_features, weights, bias, logits.emplace_back());
        }
        Index n_wrong = 0;
        Index n_different = 0;
        for (Index row = 0; row < n_rows; ++row) {
          for (Index c = 0; c < n_columns; ++c) {
            long double sum = bias[size(c)];
            long double magnitude = std::fabs(sum);
            for (Index f = 0; f < n_features; ++f) {
              const long double term = static_cast<long double>(features[row * n_features + f]) *
                                       static_cast<long double>(weights[size(f * n_columns + c)]);
              sum += term;
              magnitude += std::fabs(term);
            }
            const long double tolerance = static_cast<long double>(n_features + 2) * epsilon<T> * magnitude;
            const std::size_t at = size((row / group_rows * n_columns + c) * group_rows + row % group_rows);
            for (const auto& found : logits) {
              n_wrong += std::fabs(static_cast<long double>(found[at]) - sum) <= tolerance ? 0 : 1;
            }
            n_different += logits.size() == 3 && logits[1][at] != logits[2][at] ? 1 : 0;
          }
        }
        ASSERT_EQ(n_wrong, 0) << n_rows << " rows, " << n_features << " features, " << n_columns << " columns";
        ASSERT_EQ(n_different, 0) << "AVX2 and AVX-512: " << n_rows << "×" << n_features << "×" << n_columns;
      }
    }
  }
}

TYPED_TEST(Kernels, BackwardWithoutAddingHasTheBitsOfAddingToZeros) {
  using T = typename TypeParam::T;
  SCOPED_TRACE(test::seed_text());
  constexpr Index n_rows = 37;
  constexpr Index n_features = 50;
  constexpr Index n_columns = 13;
  const auto* features = this->make_features(n_rows, n_features);
  const auto residuals = this->random(n_rows * n_columns, 3);
  for (const Simd simd : levels()) {
    std::vector<T> added(size(padded(n_features) * n_columns), T(0));
    std::vector<T> set(added.size(), T(7));
    backward(simd, features, n_rows, n_features, residuals, n_columns, added);
    backward(simd, features, n_rows, n_features, residuals, n_columns, set, false);
    EXPECT_EQ(set, added) << name(simd);
  }
}

// A chain over the rows, added to what is there.
TYPED_TEST(Kernels, BackwardAddsTheProduct) {
  using T = typename TypeParam::T;
  SCOPED_TRACE(test::seed_text());
  for (const Index n_features : feature_counts) {
    for (const Index n_rows : row_counts) {
      const auto* features = this->make_features(n_rows, n_features);
      for (const Index n_columns : column_counts) {
        if (n_features * n_rows * n_columns > 2'000'000 && n_columns < 50) {
          continue;
        }
        const auto residuals = this->random(n_rows * n_columns, 3);
        const auto before = this->random(padded(n_features) * n_columns, 4);
        std::vector<std::vector<T>> gradients;
        for (const Simd simd : levels()) {
          gradients.push_back(before);
          backward(simd, features, n_rows, n_features, residuals, n_columns, gradients.back());
        }
        Index n_wrong = 0;
        Index n_different = 0;
        for (Index c = 0; c < n_columns; ++c) {
          for (Index f = 0; f < n_features; ++f) {
            const std::size_t at = size(c * padded(n_features) + f);
            long double sum = before[at];
            long double magnitude = std::fabs(sum);
            for (Index row = 0; row < n_rows; ++row) {
              const long double term = static_cast<long double>(features[row * n_features + f]) *
                                       static_cast<long double>(residuals[size(row * n_columns + c)]);
              sum += term;
              magnitude += std::fabs(term);
            }
            const long double tolerance = static_cast<long double>(n_rows + 2) * epsilon<T> * magnitude;
            for (const auto& found : gradients) {
              n_wrong += std::fabs(static_cast<long double>(found[at]) - sum) <= tolerance ? 0 : 1;
            }
            n_different += gradients.size() == 3 && gradients[1][at] != gradients[2][at] ? 1 : 0;
          }
        }
        ASSERT_EQ(n_wrong, 0) << n_rows << " rows, " << n_features << " features, " << n_columns << " columns";
        ASSERT_EQ(n_different, 0) << "AVX2 and AVX-512: " << n_rows << "×" << n_features << "×" << n_columns;
      }
    }
  }
}

template <class T>
class Softmax : public testing::Test {
 protected:
  struct Output {
    std::vector<T> probabilities;
    std::vector<Real> losses;
  };

  /// @param logit  (row, column)     Checks every level against long double.
  template <class Logit>
  void check(Index n_rows, Index n_points, Index n_classes, Logit&& logit) {
    const Index n_columns = n_points * n_classes;
    std::vector<T> logits(size(padded(n_rows) * n_columns), T(0));
    std::vector<std::int32_t> labels(size(n_rows));
    for (Index row = 0; row < n_rows; ++row) {
      labels[size(row)] = static_cast<std::int32_t>((row * 7 + 1) % n_classes);
      for (Index c = 0; c < n_columns; ++c) {
        logits[size((row / group_rows * n_columns + c) * group_rows + row % group_rows)] =
            static_cast<T>(logit(row, c));
      }
    }
    const Index stride = n_rows + 3;
    std::vector<Output> outputs;
    for (const Simd simd : levels()) {
      Output& out = outputs.emplace_back();
      out.probabilities = logits;
      out.losses.assign(size(stride * n_points), -1.0);
      tile_kernels<T>(simd).softmax(out.probabilities.data(), labels.data(), n_rows, n_points, n_classes,
                                    out.losses.data(), stride);
      for (Index row = 0; row < n_rows; ++row) {
        for (Index point = 0; point < n_points; ++point) {
          check_row(out, row, point, n_classes, n_columns, labels[size(row)], stride,
                    [&](Index c) { return static_cast<T>(logit(row, point * n_classes + c)); });
        }
      }
      for (Index point = 0; point < n_points; ++point) {
        ASSERT_EQ(out.losses[size(point * stride + n_rows)], -1.0) << "wrote past the rows";
      }
    }
    if (outputs.size() == 3) {
      ASSERT_EQ(outputs[1].probabilities, outputs[2].probabilities);
      ASSERT_EQ(outputs[1].losses, outputs[2].losses);
    }
  }

 private:
  // e^v is good to a few ε plus |v|·ε/2 for the rounding of its argument; the sum adds n_classes·ε. A probability below
  // the range of T is its smallest normal number.
  template <class Logit>
  void check_row(const Output& out, Index row, Index point, Index n_classes, Index n_columns, std::int32_t label,
                 Index stride, Logit&& logit) {
    long double top = logit(0);
    for (Index c = 1; c < n_classes; ++c) {
      top = std::max(top, static_cast<long double>(logit(c)));
    }
    long double total = 0;
    for (Index c = 0; c < n_classes; ++c) {
      total += std::exp(static_cast<long double>(logit(c)) - top);
    }
    const long double slack = static_cast<long double>(n_classes + 8) * epsilon<T>;
    for (Index c = 0; c < n_classes; ++c) {
      const long double below = top - static_cast<long double>(logit(c));
      const long double expected = std::exp(-below) / total;
      const long double smallest = 4 * static_cast<long double>(std::numeric_limits<T>::min());
      const auto found = static_cast<long double>(out.probabilities[grouped_at(row, point * n_classes + c, n_columns)]);
      ASSERT_NEAR(found, expected, (slack + below * epsilon<T>)*expected + smallest)
          << "row " << row << " point " << point << " class " << c << " of " << n_classes;
    }
    const long double loss = std::log(total) + top - static_cast<long double>(logit(label));
    ASSERT_NEAR(out.losses[size(point * stride + row)], loss, slack + 4 * DBL_EPSILON * std::fabs(loss))
        << "row " << row << " point " << point << " of " << n_classes << " classes";
  }
};

using Arithmetics = testing::Types<float, double>;
TYPED_TEST_SUITE(Softmax, Arithmetics);

TYPED_TEST(Softmax, RandomLogits) {
  SCOPED_TRACE(test::seed_text());
  for (const Index n_rows : row_counts) {
    for (const Index n_classes : {2, 3, 10, 17, 50}) {
      for (const Index n_points : {1, 2, 3}) {
        for (const Real scale : {1.0, 30.0}) {
          this->check(n_rows, n_points, n_classes, [&](Index row, Index c) { return random_value(c, row, scale); });
        }
      }
    }
  }
}

TYPED_TEST(Softmax, ExtremeLogits) {
  this->check(130, 2, 10, [](Index row, Index c) { return (row + c) % 10 == 0 ? 1e4 : -1e4; });
  this->check(17, 1, 3, [](Index, Index c) { return c == 1 ? -1e4 : 1e4; });
  this->check(33, 2, 5, [](Index row, Index c) { return 1e4 + random_value(c, row, 4); });
}

TYPED_TEST(Softmax, UniformLogits) {
  for (const Real value : {0.0, -1e4, 3.25}) {
    this->check(31, 2, 10, [&](Index, Index) { return value; });
  }
}

TYPED_TEST(Softmax, NotANumberShowsInTheLoss) {
  using T = TypeParam;
  for (const Simd simd : levels()) {
    for (std::size_t bad = 0; bad < 3; ++bad) {
      std::vector<T> logits(3 * group_rows, T(0));
      logits[bad * group_rows + 2] = std::numeric_limits<T>::quiet_NaN();
      const std::vector<std::int32_t> labels(5, 1);
      std::vector<Real> losses(5);
      tile_kernels<T>(simd).softmax(logits.data(), labels.data(), 5, 1, 3, losses.data(), 5);
      EXPECT_TRUE(std::isnan(losses[2])) << name(simd) << " class " << bad;
      EXPECT_NEAR(losses[3], std::log(3.0), 1e-6);
    }
  }
}

TYPED_TEST(Softmax, ResidualsAreWeightedAndSummed) {
  using T = TypeParam;
  SCOPED_TRACE(test::seed_text());
  for (const Index n_rows : row_counts) {
    for (const bool with_labels : {true, false}) {
      constexpr Index n_points = 2;
      constexpr Index n_classes = 3;
      constexpr Index n = n_points * n_classes;
      std::vector<T> rows(size(n_rows * n));
      std::vector<T> weights(size(padded(n_rows)), T(0));
      std::vector<std::int32_t> labels;
      for (Index row = 0; row < n_rows; ++row) {
        labels.push_back(static_cast<std::int32_t>(row % n_classes));
        weights[size(row)] = static_cast<T>(random_value(1, row));
        for (Index c = 0; c < n; ++c) {
          rows[size(row * n + c)] = static_cast<T>(random_value(2 + c, row));
        }
      }
      std::vector<std::vector<Real>> sums;
      for (const Simd simd : levels()) {
        std::vector<T> values = to_groups(rows, n);
        sums.emplace_back(n, 0.5);
        tile_kernels<T>(simd).residuals(values.data(), with_labels ? labels.data() : nullptr, weights.data(), n_rows,
                                        n_points, n_classes, sums.back().data());
        for (Index c = 0; c < n; ++c) {
          Real sum = 0.5;
          for (Index row = 0; row < n_rows; ++row) {
            const T less = with_labels && c % n_classes == labels[size(row)] ? T(1) : T(0);
            const T expected = weights[size(row)] * (rows[size(row * n + c)] - less);
            ASSERT_EQ(values[grouped_at(row, c, n)], expected) << name(simd) << " row " << row << " column " << c;
            sum += static_cast<Real>(expected);
          }
          ASSERT_NEAR(sums.back()[size(c)], sum, static_cast<Real>(4 * n_rows * epsilon<T>)) << name(simd);
        }
        ASSERT_EQ(sums.back(), sums.front()) << name(simd);
      }
    }
  }
}

TYPED_TEST(Softmax, UngroupingUndoesGrouping) {
  using T = TypeParam;
  SCOPED_TRACE(test::seed_text());
  for (const Index n_rows : row_counts) {
    for (const Index n : {1, 3, 4, 17, 54}) {
      std::vector<T> rows(size(n_rows * n));
      for (Index i = 0; i < n_rows * n; ++i) {
        rows[size(i)] = static_cast<T>(random_value(1, i));
      }
      for (const Simd simd : levels()) {
        std::vector<T> back(rows.size());
        tile_kernels<T>(simd).ungroup(to_groups(rows, n).data(), n_rows, n, back.data());
        ASSERT_EQ(back, rows) << name(simd) << " " << n_rows << "×" << n;
      }
    }
  }
}

TEST(Simd, NamesReadBack) {
  for (const Simd simd : {Simd::Baseline, Simd::Avx2, Simd::Avx512}) {
    EXPECT_EQ(simd_of(name(simd)), simd);
  }
}

}  // namespace
}  // namespace meha
