// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include "meha/core/error.hpp"
#include "meha/problem/linear_classifier.hpp"
#include "meha/problem/mlp_classifier.hpp"

namespace meha {
namespace {

template <class T>
std::unique_ptr<Classifier> make(const ProblemOptions& options, const ClassifierShape& shape, Simd simd) {
  if (options.model == "mlp") {
    return std::make_unique<MlpClassifier<T>>(shape, options.hidden, activation_of(options.activation), simd);
  }
  return std::make_unique<LinearClassifier<T>>(shape, simd);
}

}  // namespace

void Classifier::collect_touched(std::size_t /*point*/, OutSpan /*grad_y*/) {
  require(false, "a pass over few features needs a classifier that has them");
}

void Classifier::collect_touched_along(std::size_t /*direction*/, OutSpan /*hess_y*/) {
  require(false, "a pass over few features needs a classifier that has them");
}

std::unique_ptr<Classifier> make_classifier(const ProblemOptions& options, const ClassifierShape& shape,
                                            const std::string& precision, Simd simd) {
  require(options.model == "auto" || options.model == "linear" || options.model == "mlp",
          "the option table admits only known models");
  if (options.model == "mlp" && shape.loss == Loss::Squared) {
    throw Error(ExitCode::Config, "problem.loss = \"squared\": needs problem.model = \"linear\"");
  }
  if (options.model == "mlp" && options.activation == "tanh") {
    throw Error(ExitCode::Config, "problem.activation = \"tanh\": an mlp takes one of relu|sigmoid|none");
  }
  if (options.model == "mlp" && !options.hidden.empty() && options.init == "zero") {
    throw Error(
        ExitCode::Config,
        "problem.init = \"zero\": the hidden units of an mlp would stay equal forever; take \"kaiming_uniform\" "
        "or leave it out");
  }
  return precision == "float64" ? make<double>(options, shape, simd) : make<float>(options, shape, simd);
}

}  // namespace meha
