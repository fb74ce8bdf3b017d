// SPDX-License-Identifier: MIT
#include "meha/problem/mlp_classifier.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/random_values.hpp"

namespace meha {
namespace {

using test::random_value;
using test::random_vector;

constexpr Index n_rows = 37;
constexpr Index n_features = 9;
constexpr Index n_classes = 4;

struct Case {
  std::vector<Index> hidden;
  Activation activation;
  Storage element;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  constexpr const char* activations[] = {"relu", "sigmoid", "none"};
  return std::to_string(info.param.hidden.size()) + "_hidden_" +
         activations[static_cast<std::size_t>(info.param.activation)] + "_" +
         (info.param.element == Storage::UInt8 ? "uint8" : "float32");
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& hidden : {std::vector<Index>{}, std::vector<Index>{7}, std::vector<Index>{6, 5}}) {
    for (const Activation activation : {Activation::Relu, Activation::Sigmoid, Activation::None}) {
      for (const Storage element : {Storage::UInt8, Storage::Float32}) {
        cases.push_back({hidden, activation, element});
      }
    }
  }
  return cases;
}

RowSet random_rows(Storage element) {
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

/// The network once more, in plain loops over one row.
class NaiveMlp {
 public:
  explicit NaiveMlp(const Case& wanted) : activation_(wanted.activation), sizes_{n_features} {
    sizes_.insert(sizes_.end(), wanted.hidden.begin(), wanted.hidden.end());
    sizes_.push_back(n_classes);
  }

  /// ℓ of one row; adds weight·∇ℓ to grad.
  Real loss(const Vec& y, const std::vector<Real>& features, Label label, Real weight, Vec& grad) {
    std::vector<std::vector<Real>> z(sizes_.size()), a(sizes_.size());
    std::vector<Index> offset(sizes_.size());
    a[0] = features;
    Index next = 0;
    for (std::size_t l = 1; l < sizes_.size(); ++l) {
      offset[l] = next;
      for (Index j = 0; j < sizes_[l]; ++j) {
        Real sum = y[next + sizes_[l] * sizes_[l - 1] + j];
        for (Index i = 0; i < sizes_[l - 1]; ++i) {
          sum += y[next + j * sizes_[l - 1] + i] * a[l - 1][static_cast<std::size_t>(i)];
        }
        const bool is_hidden = l + 1 < sizes_.size();
        z[l].push_back(sum);
        a[l].push_back(is_hidden ? phi(sum) : sum);
        nearest_kink = is_hidden ? std::min(nearest_kink, std::fabs(sum)) : nearest_kink;
      }
      next += sizes_[l] * (sizes_[l - 1] + 1);
    }
    Real total = 0;
    for (const Real logit : a.back()) {
      total += std::exp(logit);
    }
    std::vector<Real> delta;
    for (Index c = 0; c < n_classes; ++c) {
      delta.push_back(weight * (std::exp(a.back()[static_cast<std::size_t>(c)]) / total - (c == label ? 1 : 0)));
    }
    for (std::size_t l = sizes_.size() - 1; l > 0; --l) {
      std::vector<Real> below(static_cast<std::size_t>(sizes_[l - 1]));
      for (Index j = 0; j < sizes_[l]; ++j) {
        const Real d = delta[static_cast<std::size_t>(j)];
        for (Index i = 0; i < sizes_[l - 1]; ++i) {
          grad[offset[l] + j * sizes_[l - 1] + i] += d * a[l - 1][static_cast<std::size_t>(i)];
          below[static_cast<std::size_t>(i)] += d * y[offset[l] + j * sizes_[l - 1] + i];
        }
        grad[offset[l] + sizes_[l] * sizes_[l - 1] + j] += d;
      }
      for (std::size_t i = 0; l > 1 && i < below.size(); ++i) {
        below[i] *= slope(z[l - 1][i]);
      }
      delta = below;
    }
    return std::log(total) - a.back()[static_cast<std::size_t>(label)];
  }

  Real nearest_kink = std::numeric_limits<Real>::infinity();  // smallest |z| of a hidden unit so far

 private:
  [[nodiscard]] Real phi(Real z) const {
    return activation_ == Activation::Relu      ? std::max(z, 0.0)
           : activation_ == Activation::Sigmoid ? 1 / (1 + std::exp(-z))
                                                : z;
  }
  [[nodiscard]] Real slope(Real z) const {
    return activation_ == Activation::Relu      ? (z > 0 ? 1 : 0)
           : activation_ == Activation::Sigmoid ? phi(z) * (1 - phi(z))
                                                : 1;
  }

  Activation activation_;
  std::vector<Index> sizes_;
};

class MlpClassifierTest : public testing::TestWithParam<Case> {
 protected:
  MlpClassifierTest()
      : rows_(random_rows(GetParam().element)),
        tile_(rows_.tile({0, n_rows})),
        weights_(n_rows),
        classifier_(make<double>()) {
    for (Index i = 0; i < n_rows; ++i) {
      weights_[static_cast<std::size_t>(i)] = 0.5 + 0.4 * random_value(4, i);
    }
  }

  template <class T>
  static MlpClassifier<T> make() {
    const Case& wanted = GetParam();
    return MlpClassifier<T>({.n_features = n_features, .n_classes = n_classes, .element = wanted.element},
                            wanted.hidden, wanted.activation, best_simd());
  }

  [[nodiscard]] std::vector<Real> features(Index row) const {
    std::vector<Real> all;
    for (Index f = 0; f < n_features; ++f) {
      float value = 0;
      if (tile_.element == Storage::Float32) {
        std::memcpy(&value, tile_.features + (row * n_features + f) * 4, 4);
      }
      all.push_back(tile_.element == Storage::UInt8 ? std::to_integer<int>(tile_.features[row * n_features + f]) / 255.0
                                                    : static_cast<Real>(value));
    }
    return all;
  }

  /// Parameters at which no hidden unit is so near its kink that a difference would step across it.
  Vec parameters() {
    for (Index draw = 5;; ++draw) {
      Vec y = random_vector(classifier_.n_parameters(), draw);
      NaiveMlp naive(GetParam());
      Vec grad = Vec::Zero(y.size());
      for (Index row = 0; row < n_rows; ++row) {
        (void)naive.loss(y, features(row), tile_.labels[row], 1, grad);
      }
      if (naive.nearest_kink > 1e-4) {
        return y;
      }
    }
  }

  Real weighted_loss(Classifier& classifier, const Vec& y) {
    const InSpan point = as_span(y);
    classifier.set_points({&point, 1});
    classifier.forward(tile_, losses_);
    Real sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * losses_[i];
    }
    return sum;
  }

  Vec gradient(Classifier& classifier, const Vec& y) {
    (void)weighted_loss(classifier, y);
    classifier.backward(tile_, weights_);
    Vec grad = Vec::Zero(y.size());
    classifier.collect(0, as_span(grad));
    return grad;
  }

  /// Losses, numbers below 10, and gradient against those in double.
  template <class Input>
  void expect_agreement(Real relative) {
    SCOPED_TRACE(test::seed_text());
    const Vec y = parameters();
    const Vec exact = gradient(classifier_, y);
    const std::vector<Real> losses = losses_;
    MlpClassifier<Input> rough = make<Input>();
    const Vec grad = gradient(rough, y);
    for (std::size_t row = 0; row < n_rows; ++row) {
      EXPECT_NEAR(losses_[row], losses[row], 10 * relative);
    }
    EXPECT_LE((grad - exact).norm(), relative * exact.norm());
    EXPECT_NE(grad, exact);
  }

  RowSet rows_;
  Tile tile_;
  std::vector<Real> weights_;
  std::vector<Real> losses_ = std::vector<Real>(3 * tile_rows);
  MlpClassifier<double> classifier_;
};

INSTANTIATE_TEST_SUITE_P(Shapes, MlpClassifierTest, testing::ValuesIn(all_cases()), name_of);

TEST_P(MlpClassifierTest, LossesAndGradientAreThoseOfPlainLoops) {
  SCOPED_TRACE(test::seed_text());
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec grad = gradient(classifier_, y);
  NaiveMlp naive(GetParam());
  Vec expected = Vec::Zero(y.size());
  for (Index row = 0; row < n_rows; ++row) {
    const auto r = static_cast<std::size_t>(row);
    const Real loss = naive.loss(y, features(row), tile_.labels[row], weights_[r], expected);
    EXPECT_NEAR(losses_[r], loss, 1e-13) << row;  // some tens of roundings of numbers about 1
  }
  EXPECT_LE((grad - expected).cwiseAbs().maxCoeff(), 1e-13);
}

// Central differences at t = 1e-5: truncation about 1e-10, rounding about 1e-16·Σℓ/t ≈ 1e-9.
TEST_P(MlpClassifierTest, GradientAgreesWithDifferences) {
  SCOPED_TRACE(test::seed_text());
  const Vec y = parameters();
  const Vec grad = gradient(classifier_, y);
  constexpr Real t = 1e-5;
  for (Index i = 0; i < y.size(); ++i) {
    Vec up = y;
    Vec down = y;
    up[i] += t;
    down[i] -= t;
    EXPECT_NEAR(grad[i], (weighted_loss(classifier_, up) - weighted_loss(classifier_, down)) / (2 * t), 1e-6) << i;
  }
}

TEST_P(MlpClassifierTest, FloatAgreesWithDouble) {
  expect_agreement<float>(1e-6);  // some tens of roundings of 6e-8
}

TEST_P(MlpClassifierTest, Int16AgreesWithDouble) {
  if (GetParam().element != Storage::UInt8) {
    GTEST_SKIP() << "only bytes have products with int16";
  }
  expect_agreement<Int16>(1e-3);  // a rounding of 2^-15 of the largest factor of a column
}

TEST_P(MlpClassifierTest, BFloat16AgreesWithDouble) {
  if (!has_bfloat16()) {
    GTEST_SKIP() << "this processor has no AVX-512 with BF16";
  }
  expect_agreement<BFloat16>(0.03);  // a rounding of 2^-9 of each factor, in products one after another
}

TEST_P(MlpClassifierTest, CollectForgets) {
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec once = gradient(classifier_, y);
  Vec again = Vec::Zero(y.size());
  classifier_.collect(0, as_span(again));
  EXPECT_EQ(again.norm(), 0);
  EXPECT_EQ(gradient(classifier_, y), once);
}

TEST_P(MlpClassifierTest, CollectAddsAndBackwardAccumulates) {
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec once = gradient(classifier_, y);
  for (int i = 0; i < 2; ++i) {
    classifier_.forward(tile_, losses_);
    classifier_.backward(tile_, weights_);
  }
  Vec grad = Vec::Constant(y.size(), 3.0);
  classifier_.collect(0, as_span(grad));
  EXPECT_LE((grad - Vec::Constant(y.size(), 3.0) - 2 * once).cwiseAbs().maxCoeff(), 1e-13);
}

TEST_P(MlpClassifierTest, BackwardUsesTheWeightsItIsGivenAfterForward) {
  const Vec y = random_vector(classifier_.n_parameters(), 5);
  const Vec once = gradient(classifier_, y);
  classifier_.forward(tile_, losses_);
  for (Real& weight : weights_) {
    weight *= 2;  // exact, so the bits double
  }
  classifier_.backward(tile_, weights_);
  Vec twice = Vec::Zero(y.size());
  classifier_.collect(0, as_span(twice));
  EXPECT_EQ(twice, 2 * once);
}

TEST_P(MlpClassifierTest, PointsTogetherGiveTheBitsOfPointsAlone) {
  const Vec a = random_vector(classifier_.n_parameters(), 5);
  const Vec b = random_vector(classifier_.n_parameters(), 6);
  const Vec alone_a = gradient(classifier_, a);
  const Vec alone_b = gradient(classifier_, b);
  const std::vector<Real> losses_b(losses_.begin(), losses_.begin() + n_rows);
  const InSpan points[] = {as_span(a), as_span(b)};
  classifier_.set_points(points);
  classifier_.forward(tile_, losses_);
  EXPECT_EQ(std::vector<Real>(losses_.begin() + tile_rows, losses_.begin() + tile_rows + n_rows), losses_b);
  classifier_.backward(tile_, weights_);
  Vec grad_a = Vec::Zero(a.size());
  Vec grad_b = Vec::Zero(b.size());
  classifier_.collect(0, as_span(grad_a));
  classifier_.collect(1, as_span(grad_b));
  EXPECT_EQ(grad_a, alone_a);
  EXPECT_EQ(grad_b, alone_b);
}

TEST_P(MlpClassifierTest, ParametersAreLaidOutAsPyTorchDoes) {
  std::vector<Index> sizes = {n_features};
  sizes.insert(sizes.end(), GetParam().hidden.begin(), GetParam().hidden.end());
  sizes.push_back(n_classes);
  const auto arrays = classifier_.parameters();
  ASSERT_EQ(arrays.size(), 2 * (sizes.size() - 1));
  Index n = 0;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const std::string layer = "layer" + std::to_string(l + 1);
    EXPECT_EQ(arrays[2 * l].name, layer + ".weight");
    EXPECT_EQ(arrays[2 * l].shape, (std::vector<Index>{sizes[l + 1], sizes[l]}));
    EXPECT_EQ(arrays[2 * l + 1].name, layer + ".bias");
    EXPECT_EQ(arrays[2 * l + 1].shape, (std::vector<Index>{sizes[l + 1]}));
    n += sizes[l + 1] * (sizes[l] + 1);
  }
  EXPECT_EQ(classifier_.n_parameters(), n);
}

TEST_P(MlpClassifierTest, StartsWithinTheBoundOfEachLayerAndNoTwoEntriesAlike) {
  Vec y(classifier_.n_parameters());
  classifier_.start("kaiming_uniform", 7, y);
  std::vector<Index> fan_in = {n_features};
  fan_in.insert(fan_in.end(), GetParam().hidden.begin(), GetParam().hidden.end());
  Index next = 0;
  const auto arrays = classifier_.parameters();
  for (std::size_t l = 0; l < fan_in.size(); ++l) {
    const Real bound = 1 / std::sqrt(static_cast<Real>(fan_in[l]));
    const Index size = arrays[2 * l].shape[0] * (fan_in[l] + 1);
    const Vec layer = y.segment(next, size);
    EXPECT_LE(layer.cwiseAbs().maxCoeff(), bound);
    EXPECT_GT(layer.maxCoeff(), 0.5 * bound);
    EXPECT_LT(layer.minCoeff(), -0.5 * bound);
    next += size;
  }
  std::sort(y.begin(), y.end());
  EXPECT_EQ(std::adjacent_find(y.begin(), y.end()), y.end());
  Vec first(y.size()), same(y.size()), other(y.size());
  classifier_.start("auto", 7, first);
  classifier_.start("kaiming_uniform", 7, same);
  classifier_.start("kaiming_uniform", 8, other);
  EXPECT_EQ(first, same);
  EXPECT_NE(first, other);
}

TEST_P(MlpClassifierTest, ClassesAreTheMostLikelyAtPointZeroAndTheFirstOfEquals) {
  const Vec zero = Vec::Zero(classifier_.n_parameters());
  Vec likes_2 = zero;
  likes_2[likes_2.size() - n_classes + 2] = 1;
  std::vector<Label> found(n_rows);
  const InSpan points[] = {as_span(likes_2), as_span(zero)};
  classifier_.set_points(points);
  classifier_.forward(tile_, losses_);
  classifier_.classes(found);
  EXPECT_EQ(found, std::vector<Label>(found.size(), 2));
  (void)weighted_loss(classifier_, zero);
  classifier_.classes(found);
  EXPECT_EQ(found, std::vector<Label>(found.size(), 0));
}

TEST_P(MlpClassifierTest, WhatIsNotANumberShowsInTheLosses) {
  Vec y = random_vector(classifier_.n_parameters(), 5);
  y[0] = std::numeric_limits<Real>::quiet_NaN();
  EXPECT_TRUE(std::isnan(weighted_loss(classifier_, y)));
}

TEST(MlpClassifier, SlopeOfReluAtItsKinkIsZero) {
  const ClassifierShape shape{.n_features = 2, .n_classes = 2, .element = Storage::UInt8};
  MlpClassifier<double> classifier(shape, {1}, Activation::Relu, best_simd());
  RowSet rows({.n_rows = 1, .block_rows = 1}, {0, 1}, 2, Storage::UInt8);
  rows.feature_bytes({0, 1})[0] = std::byte{255};
  rows.labels({0, 1})[0] = 0;
  Vec y = Vec::Zero(classifier.n_parameters());
  y[3] = 1;  // the output's weight; the hidden unit's z is 0
  const InSpan point = as_span(std::as_const(y));
  classifier.set_points({&point, 1});
  std::vector<Real> losses(tile_rows);
  classifier.forward(rows.tile({0, 1}), losses);
  classifier.backward(rows.tile({0, 1}), std::vector<Real>{1});
  Vec grad = Vec::Zero(y.size());
  classifier.collect(0, as_span(grad));
  EXPECT_EQ(grad.head(3).norm(), 0);
  EXPECT_EQ(grad[5], -0.5);
}

TEST(MlpClassifier, ActivationsHaveNames) {
  EXPECT_EQ(activation_of("relu"), Activation::Relu);
  EXPECT_EQ(activation_of("sigmoid"), Activation::Sigmoid);
  EXPECT_EQ(activation_of("none"), Activation::None);
}

}  // namespace
}  // namespace meha
