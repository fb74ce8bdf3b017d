// SPDX-License-Identifier: MIT
#include "meha/problem/linear_classifier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "meha/core/error.hpp"
#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;
using test::random_vector;

constexpr Index n_features = 9;
constexpr Index n_classes = 4;

RowSet random_rows(Index n_rows, Storage element) {
  RowSet rows({.n_rows = n_rows, .block_rows = tile_rows}, {0, n_rows}, n_features, element);
  const auto bytes = rows.feature_bytes({0, n_rows});
  for (Index i = 0; i < n_rows * n_features; ++i) {
    if (element == Storage::UInt8) {
      bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(random_below(256, test::seed(), Stream::Check, 1, i));
    } else {
      const auto value = static_cast<float>(random_value(2, i));
      std::memcpy(bytes.data() + i * 4, &value, 4);
    }
  }
  for (Index i = 0; i < n_rows; ++i) {
    rows.labels({i, i + 1})[0] = static_cast<Label>(random_below(n_classes, test::seed(), Stream::Check, 3, i));
  }
  return rows;
}

class LinearClassifierTest : public testing::TestWithParam<Storage> {
 protected:
  LinearClassifierTest()
      : classifier_({.n_features = n_features, .n_classes = n_classes, .element = GetParam()}, best_simd()),
        rows_(random_rows(n_rows_, GetParam())),
        tile_(rows_.tile({0, n_rows_})),
        weights_(static_cast<std::size_t>(n_rows_)) {
    for (Index i = 0; i < n_rows_; ++i) {
      weights_[static_cast<std::size_t>(i)] = 0.5 + 0.4 * random_value(4, i);
    }
  }

  /// Σ weights·ℓ at y.
  Real weighted_loss(const Vec& y) {
    const InSpan point = as_span(y);
    classifier_.set_points({&point, 1});
    classifier_.forward(tile_, losses_);
    Real sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * losses_[i];
    }
    return sum;
  }
  Vec gradient(const Vec& y) {
    (void)weighted_loss(y);
    classifier_.backward(tile_, weights_);
    Vec grad = Vec::Zero(y.size());
    classifier_.collect(0, as_span(grad));
    return grad;
  }

  static constexpr Index n_rows_ = 37;
  LinearClassifier<double> classifier_;
  RowSet rows_;
  Tile tile_;
  std::vector<Real> weights_;
  std::vector<Real> losses_ = std::vector<Real>(3 * tile_rows);
};

INSTANTIATE_TEST_SUITE_P(Elements, LinearClassifierTest, testing::Values(Storage::UInt8, Storage::Float32),
                         [](const auto& element) { return element.param == Storage::UInt8 ? "uint8" : "float32"; });

TEST_P(LinearClassifierTest, LossIsCrossEntropyOfScaledFeatures) {
  SCOPED_TRACE(test::seed_text());
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  (void)weighted_loss(y);
  for (Index row = 0; row < n_rows_; ++row) {
    Vec z(n_classes);
    for (Index c = 0; c < n_classes; ++c) {
      z[c] = y[n_classes * n_features + c];
      for (Index f = 0; f < n_features; ++f) {
        float value = 0;
        if (GetParam() == Storage::Float32) {
          std::memcpy(&value, tile_.features + (row * n_features + f) * 4, 4);
        }
        const Real feature = GetParam() == Storage::UInt8
                                 ? std::to_integer<int>(tile_.features[row * n_features + f]) / 255.0
                                 : static_cast<Real>(value);
        z[c] += y[c * n_features + f] * feature;
      }
    }
    const Real loss = std::log(z.array().exp().sum()) - z[tile_.labels[row]];
    EXPECT_NEAR(losses_[static_cast<std::size_t>(row)], loss, 1e-13) << row;  // some 10 roundings of numbers about 1
  }
}

// Central differences at t = 1e-5: truncation about 1e-10, rounding about 1e-16·Σℓ/t ≈ 1e-9.
TEST_P(LinearClassifierTest, GradientAgreesWithDifferences) {
  SCOPED_TRACE(test::seed_text());
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec grad = gradient(y);
  constexpr Real t = 1e-5;
  for (Index i = 0; i < y.size(); ++i) {
    Vec up = y;
    Vec down = y;
    up[i] += t;
    down[i] -= t;
    EXPECT_NEAR(grad[i], (weighted_loss(up) - weighted_loss(down)) / (2 * t), 1e-7) << i;
  }
}

TEST_P(LinearClassifierTest, CollectForgets) {
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec once = gradient(y);
  Vec again = Vec::Zero(y.size());
  classifier_.collect(0, as_span(again));
  EXPECT_EQ(again.norm(), 0);
  EXPECT_EQ(gradient(y), once);
}

TEST_P(LinearClassifierTest, CollectAddsAndBackwardAccumulates) {
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec once = gradient(y);
  classifier_.forward(tile_, losses_);
  classifier_.backward(tile_, weights_);
  classifier_.forward(tile_, losses_);
  classifier_.backward(tile_, weights_);
  Vec grad = Vec::Constant(y.size(), 3.0);
  classifier_.collect(0, as_span(grad));
  EXPECT_LE((grad - Vec::Constant(y.size(), 3.0) - 2 * once).cwiseAbs().maxCoeff(), 1e-13);
}

TEST_P(LinearClassifierTest, PointsTogetherGiveTheBitsOfPointsAlone) {
  const Vec a = random_vector(classifier_.n_parameters(), 5);
  const Vec b = random_vector(classifier_.n_parameters(), 6);
  const Vec alone_a = gradient(a);
  const Vec alone_b = gradient(b);
  const std::vector<Real> losses_b(losses_.begin(), losses_.begin() + n_rows_);
  const InSpan points[] = {as_span(a), as_span(b)};
  classifier_.set_points(points);
  classifier_.forward(tile_, losses_);
  EXPECT_EQ(std::vector<Real>(losses_.begin() + tile_rows, losses_.begin() + tile_rows + n_rows_), losses_b);
  classifier_.backward(tile_, weights_);
  Vec grad_a = Vec::Zero(a.size());
  Vec grad_b = Vec::Zero(b.size());
  classifier_.collect(0, as_span(grad_a));
  classifier_.collect(1, as_span(grad_b));
  EXPECT_EQ(grad_a, alone_a);
  EXPECT_EQ(grad_b, alone_b);
}

TEST_P(LinearClassifierTest, StartsAtZeroOrWithinTheKaimingBound) {
  Vec y(classifier_.n_parameters());
  classifier_.start("zero", 7, y);
  EXPECT_EQ(y.norm(), 0);
  classifier_.start("kaiming_uniform", 7, y);
  const Real bound = 1 / std::sqrt(static_cast<Real>(n_features));
  EXPECT_LE(y.maxCoeff(), bound);
  EXPECT_GE(y.minCoeff(), -bound);
  EXPECT_GT(y.maxCoeff(), 0.5 * bound);
  EXPECT_LT(y.minCoeff(), -0.5 * bound);
  Vec same(y.size());
  Vec other(y.size());
  classifier_.start("kaiming_uniform", 7, same);
  classifier_.start("kaiming_uniform", 8, other);
  EXPECT_EQ(y, same);
  EXPECT_NE(y, other);
}

TEST_P(LinearClassifierTest, ClassesAreTheMostLikelyAtPointZeroAndTheFirstOfEquals) {
  const Vec zero = Vec::Zero(classifier_.n_parameters());
  Vec likes_2 = zero;
  likes_2[n_classes * n_features + 2] = 1;
  std::vector<Label> found(static_cast<std::size_t>(n_rows_));
  const InSpan points[] = {as_span(likes_2), as_span(zero)};
  classifier_.set_points(points);
  classifier_.forward(tile_, losses_);
  classifier_.classes(found);
  EXPECT_EQ(found, std::vector<Label>(found.size(), 2));
  (void)weighted_loss(zero);
  classifier_.classes(found);
  EXPECT_EQ(found, std::vector<Label>(found.size(), 0));
}

TEST_P(LinearClassifierTest, TilesOfOtherFeaturesAreABug) {
  (void)weighted_loss(Vec::Zero(classifier_.n_parameters()));
  Tile wrong = tile_;
  wrong.n_features = n_features - 1;
  EXPECT_THROW(classifier_.forward(wrong, losses_), Error);
}

/// The same rows twice, most of their values 0.
struct TwoWays {
  RowSet dense, sparse;
};
TwoWays random_sparse_rows(Index n_rows) {
  std::vector<Entry> entries;
  std::vector<Index> first_entry = {0};
  TwoWays two{.dense = random_rows(n_rows, Storage::Float32), .sparse = {}};
  for (Index i = 0; i < n_rows; ++i) {
    for (Index f = 0; f < n_features; ++f) {
      float value = 0;
      std::byte* at = two.dense.feature_bytes({i, i + 1}).data() + f * 4;
      if (random_below(4, test::seed(), Stream::Check, 6, i * n_features + f) == 0) {
        std::memcpy(&value, at, 4);
        entries.push_back({static_cast<std::uint32_t>(f), value});
      }
      std::memcpy(at, &value, 4);
    }
    first_entry.push_back(static_cast<Index>(entries.size()));
  }
  two.sparse = RowSet({.n_rows = n_rows, .block_rows = tile_rows}, {0, n_rows}, n_features, Storage::Sparse,
                      Targets::Classes, first_entry);
  std::memcpy(two.sparse.feature_bytes({0, n_rows}).data(), entries.data(), entries.size() * sizeof(Entry));
  const auto labels = two.dense.labels({0, n_rows});
  std::copy(labels.begin(), labels.end(), two.sparse.labels({0, n_rows}).begin());
  return two;
}

/// Losses and gradients at two points, and the classes at the first, after two tiles.
template <class T>
std::vector<Real> results_on(const RowSet& rows, Index n_rows) {
  LinearClassifier<T> classifier({.n_features = n_features, .n_classes = n_classes, .element = rows.element()},
                                 best_simd());
  const Vec first = random_vector(classifier.n_parameters(), 5);
  const Vec second = random_vector(classifier.n_parameters(), 6);
  const std::vector<InSpan> points = {as_span(first), as_span(second)};
  classifier.set_points(points);
  std::vector<Real> results;
  std::vector<Real> losses(2 * tile_rows);
  for (const Range range : {Range{0, 20}, Range{20, n_rows}}) {
    const Tile tile = rows.tile(range);
    classifier.forward(tile, losses);
    results.insert(results.end(), losses.begin(), losses.begin() + tile.n_rows);
    results.insert(results.end(), losses.begin() + tile_rows, losses.begin() + tile_rows + tile.n_rows);
    classifier.backward(tile, std::vector<Real>(static_cast<std::size_t>(tile.n_rows), 0.3));
  }
  for (std::size_t point = 0; point < 2; ++point) {
    Vec grad = Vec::Zero(classifier.n_parameters());
    classifier.collect(point, as_span(grad));
    results.insert(results.end(), grad.begin(), grad.end());
  }
  return results;
}

TEST(LinearClassifierOnSparseRows, FewFeaturesGiveTheBitsOfAll) {
  SCOPED_TRACE(test::seed_text());
  const TwoWays two = random_sparse_rows(6);
  LinearClassifier<float> classifier({.n_features = n_features, .n_classes = n_classes, .element = Storage::Sparse},
                                     best_simd());
  ASSERT_EQ(classifier.n_per_feature(), n_classes);
  const Vec y = random_vector(classifier.n_parameters(), 5);
  const InSpan point = as_span(y);
  const std::vector<Real> weights(tile_rows, 0.3);
  for (const Range rows : {Range{0, 2}, Range{2, 6}}) {
    const Tile tile = two.sparse.tile(rows);
    std::vector<Index> features;
    for (Index f = 0; f < n_features; ++f) {
      for (Index row = 0; row < tile.n_rows; ++row) {
        const auto entries = tile.entries(row);
        if (features.empty() ||
            (features.back() != f && std::any_of(entries.begin(), entries.end(), [&](const Entry& e) {
               return e.feature == static_cast<std::uint32_t>(f);
             }))) {
          features.push_back(f);
        }
      }
    }
    std::vector<Real> losses(tile_rows);
    std::vector<Real> losses_of_few(tile_rows);
    Vec grad = Vec::Zero(y.size());
    classifier.set_points({&point, 1});
    classifier.forward(tile, losses);
    classifier.backward(tile, weights);
    classifier.collect(0, as_span(grad));
    classifier.set_points({&point, 1}, features);
    Vec of_few = Vec::Zero(y.size());
    for (int time = 0; time < 2; ++time) {  // what is collected is forgotten
      classifier.forward(tile, losses_of_few);
      classifier.backward(tile, weights);
      EXPECT_EQ(losses_of_few, losses);
      std::vector<Real> packed(static_cast<std::size_t>(y.size()));
      classifier.collect_touched(0, packed);
      const auto touched = classifier.touched();
      for (Index c = 0; c < n_classes; ++c) {
        of_few[n_classes * n_features + c] = packed[static_cast<std::size_t>(c)];
        for (std::size_t i = 0; i < touched.size(); ++i) {
          of_few[c * n_features + features[touched[i]]] = packed[(i + 1) * n_classes + static_cast<std::size_t>(c)];
        }
      }
      EXPECT_EQ(of_few, grad);
    }
  }
}

// The same sums without their zeros: they differ where one of them fuses multiplication and addition.
TEST(LinearClassifierOnSparseRows, AgreesWithDense) {
  SCOPED_TRACE(test::seed_text());
  constexpr Index n_rows = 37;
  const TwoWays two = random_sparse_rows(n_rows);
  const auto compare = [](const std::vector<Real>& dense, const std::vector<Real>& sparse, Real tolerance) {
    ASSERT_EQ(dense.size(), sparse.size());
    for (std::size_t i = 0; i < dense.size(); ++i) {
      EXPECT_NEAR(sparse[i], dense[i], tolerance) << i;
    }
  };
  compare(results_on<double>(two.dense, n_rows), results_on<double>(two.sparse, n_rows), 1e-13);
  compare(results_on<float>(two.dense, n_rows), results_on<float>(two.sparse, n_rows), 2e-5);
}

}  // namespace
}  // namespace meha
