// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include <gtest/gtest.h>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr ClassifierShape shape{.n_features = 5, .n_classes = 3, .element = Element::UInt8};

TEST(Classifier, LinearHasWeightAndBiasAsPyTorch) {
  for (const char* precision : {"float32", "float64"}) {
    const auto classifier = make_classifier("linear", shape, precision, best_simd());
    EXPECT_EQ(classifier->n_parameters(), 3 * 5 + 3);
    const auto arrays = classifier->parameters();
    ASSERT_EQ(arrays.size(), 2U);
    EXPECT_EQ(arrays[0].name, "weight");
    EXPECT_EQ(arrays[0].shape, (std::vector<Index>{3, 5}));
    EXPECT_EQ(arrays[1].name, "bias");
    EXPECT_EQ(arrays[1].shape, (std::vector<Index>{3}));
  }
}

TEST(Classifier, UnknownModelIsABug) {
  EXPECT_THROW((void)make_classifier("quantum", shape, "float64", best_simd()), Error);
}

}  // namespace
}  // namespace meha
