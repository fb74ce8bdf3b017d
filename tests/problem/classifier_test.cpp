// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meha/core/error.hpp"

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

TEST(Classifier, UnknownModelIsABug) {
  EXPECT_THROW((void)make_classifier(options("quantum"), shape, "float64", best_simd()), Error);
}

}  // namespace
}  // namespace meha
