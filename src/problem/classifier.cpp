// SPDX-License-Identifier: MIT
#include "meha/problem/classifier.hpp"

#include "meha/core/error.hpp"
#include "meha/problem/linear_classifier.hpp"
#include "meha/problem/mlp_classifier.hpp"

namespace meha {
namespace {

template <class Input>
std::unique_ptr<Classifier> make(const ProblemOptions& options, const ClassifierShape& shape, Simd simd) {
  if (options.of<ModelOptions>().model == "mlp") {
    const auto& network = options.of<NetworkOptions>();
    return std::make_unique<MlpClassifier<Input>>(shape, network.hidden, activation_of(network.activation), simd);
  }
  return std::make_unique<LinearClassifier<Input>>(shape, simd);
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
  const std::string& model = options.of<ModelOptions>().model;
  const auto& network = options.of<NetworkOptions>();
  require(model == "auto" || model == "linear" || model == "mlp", "the option table admits only known models");
  if (model == "mlp" && shape.loss == Loss::Squared) {
    throw Error(ExitCode::Config, "problem.loss = \"squared\": needs problem.model = \"linear\"");
  }
  if (model == "mlp" && network.activation == "tanh") {
    throw Error(ExitCode::Config, "problem.activation = \"tanh\": an mlp takes one of relu|sigmoid|none");
  }
  if (model == "mlp" && !network.hidden.empty() && options.of<InitOptions>().init == "zero") {
    throw Error(
        ExitCode::Config,
        "problem.init = \"zero\": the hidden units of an mlp would stay equal forever; take \"kaiming_uniform\" "
        "or leave it out");
  }
  if (model != "mlp" && shape.element == Storage::Sparse && precision == "bfloat16") {
    throw Error(ExitCode::Config,
                "run.precision = \"bfloat16\": sparse rows of a linear model are not multiplied as matrices; take "
                "\"float32\"");
  }
  if (precision == "int16" && shape.element != Storage::UInt8) {
    throw Error(
        ExitCode::Config,
        "run.precision = \"int16\": its products take features that are bytes (images of IDX, NumPy or HDF5 files of "
        "uint8, without problem.data.standardise), and these are not; take \"float32\"");
  }
  if (precision == "bfloat16") {
    return make<BFloat16>(options, shape, simd);
  }
  if (precision == "int16") {
    return make<Int16>(options, shape, simd);
  }
  return precision == "float64" ? make<double>(options, shape, simd) : make<float>(options, shape, simd);
}

}  // namespace meha
