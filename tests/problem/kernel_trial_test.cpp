// SPDX-License-Identifier: MIT
#include "meha/problem/kernel_trial.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace meha {
namespace {

TEST(KernelTrial, TimesEveryKindOfRow) {
  for (const Loss loss : {Loss::CrossEntropy, Loss::Squared}) {
    for (const Element element : {Element::UInt8, Element::Float32, Element::Sparse}) {
      const ClassifierShape shape{
          .n_features = 20, .n_classes = loss == Loss::Squared ? 1 : 3, .element = element, .loss = loss};
      const auto classifier = make_classifier({}, shape, "float32", best_simd());
      KernelTrial trial(*classifier, shape, 5);
      for (const std::size_t n_points : {1, 2}) {
        const Real seconds = trial.seconds_per_row(n_points, 1e-4);
        EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << seconds;
      }
    }
  }
}

}  // namespace
}  // namespace meha
