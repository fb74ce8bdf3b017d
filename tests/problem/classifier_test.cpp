// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meha/core/error.hpp"
#include "support/random_values.hpp"

namespace meha {
namespace {

constexpr ClassifierShape shape{.n_features = 5, .n_classes = 3, .element = Storage::UInt8};

ProblemOptions options(const std::string& model, const std::string& init = "auto") {
  ProblemOptions problem;
  problem.of<ModelOptions>().model = model;
  problem.of<InitOptions>().init = init;
  problem.of<NetworkOptions>().hidden = {4};
  return problem;
}

TEST(Classifier, LinearHasWeightAndBiasAsPyTorch) {
  for (const char* precision : {"float32", "float64"}) {
    const auto classifier = make_classifier(options("linear"), shape, precision, best_simd());
    EXPECT_EQ(classifier->n_parameters(), 3 * 5 + 3);
    const auto arrays = classifier->parameters();
    ASSERT_EQ(arrays.size(), 2U);
    EXPECT_EQ(arrays[0].name, "weight");
    EXPECT_EQ(arrays[0].shape, (std::vector<Index>{3, 5}));
    EXPECT_EQ(arrays[1].name, "bias");
    EXPECT_EQ(arrays[1].shape, (std::vector<Index>{3}));
  }
}

TEST(Classifier, MlpHasTheLayersOfTheOptions) {
  for (const char* precision : {"float32", "float64"}) {
    EXPECT_EQ(make_classifier(options("mlp"), shape, precision, best_simd())->n_parameters(), 4 * 5 + 4 + 3 * 4 + 3);
  }
}

TEST(Classifier, AutoStartsLinearAtZeroAndMlpAtRandom) {
  const auto start = [](const std::string& model) {
    const auto classifier = make_classifier(options(model), shape, "float64", best_simd());
    Vec y(classifier->n_parameters());
    classifier->start("auto", 1, y);
    return y.norm();
  };
  EXPECT_EQ(start("linear"), 0);
  EXPECT_GT(start("mlp"), 0);
}

TEST(Classifier, ZeroIsNoStartForHiddenUnits) {
  try {
    (void)make_classifier(options("mlp", "zero"), shape, "float32", best_simd());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Config);
    EXPECT_THAT(error.what(), testing::HasSubstr("problem.init = \"zero\""));
  }
  ProblemOptions none_hidden = options("mlp", "zero");
  none_hidden.of<NetworkOptions>().hidden = {};
  EXPECT_EQ(make_classifier(none_hidden, shape, "float32", best_simd())->n_parameters(), 3 * 5 + 3);
}

TEST(Classifier, SparseRowsOfALinearModelHaveNoBFloat16) {
  ClassifierShape sparse = shape;
  sparse.element = Storage::Sparse;
  try {
    (void)make_classifier(options("linear"), sparse, "bfloat16", best_simd());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Config);
    EXPECT_THAT(error.what(), testing::HasSubstr("run.precision = \"bfloat16\""));
  }
}

TEST(Classifier, OnlyBytesAreMultipliedWithInt16) {
  for (const Storage element : {Storage::Float32, Storage::Sparse}) {
    for (const char* model : {"linear", "mlp"}) {
      ClassifierShape other = shape;
      other.element = element;
      try {
        (void)make_classifier(options(model), other, "int16", best_simd());
        FAIL() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::Config);
        EXPECT_THAT(error.what(), testing::HasSubstr("run.precision = \"int16\""));
      }
    }
  }
}

TEST(Classifier, UnknownModelIsABug) {
  EXPECT_THROW((void)make_classifier(options("quantum"), shape, "float64", best_simd()), Error);
}

// Gradients of points that some tiles are visited at, and others not, are those of passes of their own.
TEST(Classifier, PassesOverAPartOfThePointsAddUp) {
  constexpr Index n_rows = 40;
  RowSet rows({.n_rows = n_rows, .block_rows = 512}, {0, n_rows}, shape.n_features, shape.element);
  const auto bytes = rows.feature_bytes({0, n_rows});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(i * 37 % 256);
  }
  for (Index i = 0; i < n_rows; ++i) {
    rows.labels({i, i + 1})[0] = static_cast<Label>(i % shape.n_classes);
  }
  const std::vector<Real> weights(tile_rows, 0.5);
  std::vector<Real> losses(3 * tile_rows);
  for (const char* model : {"linear", "mlp"}) {
    const auto classifier = make_classifier(options(model), shape, "float32", best_simd());
    std::vector<Vec> y;
    for (Index which = 0; which < 3; ++which) {
      y.push_back(test::random_vector(classifier->n_parameters(), which));
    }
    const auto visit = [&](Range tile_rows_of) {
      const Tile tile = rows.tile(tile_rows_of);
      classifier->forward(tile, losses);
      classifier->backward(tile, weights);
    };
    std::vector<InSpan> points;
    for (const Vec& point : y) {
      points.push_back(as_span(point));
    }
    classifier->set_points(points);
    classifier->use_points(1, 2);
    visit({0, 16});
    classifier->use_points(0, 2);
    visit({16, 40});
    const std::vector<std::vector<Range>> tiles = {{{16, 40}}, {{0, 16}, {16, 40}}, {{0, 16}}};
    std::vector<Vec> found(3, Vec::Constant(classifier->n_parameters(), -1));
    for (std::size_t p = 0; p < points.size(); ++p) {
      Index n_taken = 0;
      Index first_of_layer = 0;
      Index next = 0;
      classifier->take_gradient(p, [&](Index first, InSpan numbers) {
        if (n_taken == first_of_layer) {  // its biases, which stand behind its weights
          EXPECT_GT(first, first_of_layer);
          next = first_of_layer;
          first_of_layer = first + std::ssize(numbers);
        } else {
          EXPECT_EQ(first, next);
          next += std::ssize(numbers);
        }
        n_taken += std::ssize(numbers);
        std::copy(numbers.begin(), numbers.end(), found[p].data() + first);
      });
      EXPECT_EQ(n_taken, classifier->n_parameters());
    }
    for (std::size_t p = 0; p < points.size(); ++p) {
      classifier->set_points({&points[p], 1});
      for (const Range& tile : tiles[p]) {
        visit(tile);
      }
      Vec expected = Vec::Zero(classifier->n_parameters());
      classifier->collect(0, as_span(expected));
      EXPECT_EQ(found[p], expected) << model << ", point " << p;
    }
  }
}

}  // namespace
}  // namespace meha
