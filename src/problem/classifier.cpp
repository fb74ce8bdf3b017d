// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include "meha/core/error.hpp"
#include "meha/problem/linear_classifier.hpp"

namespace meha {

std::unique_ptr<Classifier> make_classifier(const std::string& model, const ClassifierShape& shape,
                                            const std::string& precision, Simd simd) {
  require(model == "linear", "the option table admits only known models");
  if (precision == "float64") {
    return std::make_unique<LinearClassifier<double>>(shape, simd);
  }
  return std::make_unique<LinearClassifier<float>>(shape, simd);
}

}  // namespace meha
