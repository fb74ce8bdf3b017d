// SPDX-License-Identifier: MIT
// Rows whose true labels are drawn from a linear model that is known, and whose given labels are wrong in a way that is
// known; the folder of the files goes when the object goes. Each row is a function of its number.
#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/rows_writer.hpp"
#include "support/random_values.hpp"

namespace meha::test {

class LabelData {
 public:
  enum class Wrong { Never, ByClass };
  struct Shape {
    Index n_train = 2000, n_validation = 300, n_test = 300;
    Index n_features = 8, n_classes = 3;
    Real steepness = 12;           // of the model: how far from chance the true labels are
    Wrong wrong = Wrong::ByClass;  // training labels
    Index darkest = 0;             // feature, of 255
    Real trusted_noise = 0;        // share of the validation labels that are another class, any alike
  };

  /// Collective: rank 0 writes.
  LabelData(const Communicator& comm, const Shape& shape) : comm_(comm), shape_(shape) {
    folder_ = (std::filesystem::temp_directory_path() / ("meha_labels_" + std::to_string(getpid()))).string();
    comm_.broadcast(folder_);
    comm_.root_or_none([&] {
      std::filesystem::remove_all(folder_);
      std::filesystem::create_directories(folder_);
      write("train", shape.n_train);
      write("validation", shape.n_validation);
      write("test", shape.n_test);
    });
  }
  ~LabelData() {
    (void)comm_.min(0);  // nobody still reads
    if (comm_.is_root()) {
      std::error_code ignored;
      std::filesystem::remove_all(folder_, ignored);
    }
  }
  LabelData(const LabelData&) = delete;
  LabelData& operator=(const LabelData&) = delete;

  /// Reads these files as they stand, float64; without validation rows where n_validation is 0.
  [[nodiscard]] Options options() const {
    Options options;
    options.run.precision = "float64";
    options.run.block_rows = 64;
    options.problem.type = "hyper_cleaning";
    auto& data = options.problem.of<DataOptions>();
    data.format = "hdf5";
    data.train_features.value = file("train");
    if (shape_.n_validation > 0) {
      data.validation_features.value = file("validation");
    }
    data.test_features.value = file("test");
    data.shuffle = false;
    return options;
  }
  /// Parameters of the linear classifier that the true labels are drawn from.
  [[nodiscard]] Vec model() const {
    const Index n = shape_.n_classes * shape_.n_features;
    Vec y(n + shape_.n_classes);
    y.head(n) = random_vector(n, 900, shape_.steepness);
    for (Index k = 0; k < shape_.n_classes; ++k) {  // classes about even
      y[n + k] = -static_cast<Real>(shape_.darkest + 255) / (2 * 255) *
                 y.segment(k * shape_.n_features, shape_.n_features).sum();
    }
    return y;
  }
  /// Wrong::ByClass: N[k][g], row-major; each class is taken mostly for the next, the more the higher its number.
  [[nodiscard]] Vec transition() const {
    const Index n = shape_.n_classes;
    Vec all(n * n);
    for (Index k = 0; k < n; ++k) {
      const Real rate = 0.15 + 0.25 * static_cast<Real>(k) / static_cast<Real>(n);
      for (Index g = 0; g < n; ++g) {
        all[k * n + g] = g == k ? 1 - rate : g == (k + 1) % n ? 0.75 * rate : 0.25 * rate / static_cast<Real>(n - 2);
      }
    }
    return all;
  }
  [[nodiscard]] std::uint8_t feature(const std::string& part, Index row, Index f) const {
    const Index place = row * shape_.n_features + f;
    return static_cast<std::uint8_t>(shape_.darkest +
                                     random_below(256 - shape_.darkest, seed(), Stream::Check, salt(part), place));
  }
  [[nodiscard]] Label truth(const std::string& part, Index row) const {
    const Vec y = model();
    Vec q(shape_.n_classes);
    for (Index k = 0; k < shape_.n_classes; ++k) {
      q[k] = y[shape_.n_classes * shape_.n_features + k];
      for (Index f = 0; f < shape_.n_features; ++f) {
        q[k] += y[k * shape_.n_features + f] * feature(part, row, f) / 255.0;
      }
    }
    q = (q.array() - q.maxCoeff()).exp().matrix();
    return draw(q / q.sum(), salt(part) + 1, row);
  }
  [[nodiscard]] Label given(const std::string& part, Index row) const {
    const Label label = truth(part, row);
    const auto n = static_cast<Label>(shape_.n_classes);
    const Real u = random_uniform(seed(), Stream::Check, salt(part) + 2, row);
    const auto another =
        static_cast<Label>((label + 1 + random_below(n - 1, seed(), Stream::Check, salt(part) + 3, row)) % n);
    if (part == "validation") {
      return u < shape_.trusted_noise ? another : label;
    }
    if (part == "test" || shape_.wrong == Wrong::Never) {
      return label;
    }
    return draw(transition().segment(label * shape_.n_classes, shape_.n_classes), salt(part) + 4, row);
  }

 private:
  static Index salt(const std::string& part) { return part == "train" ? 100 : part == "validation" ? 200 : 300; }
  [[nodiscard]] std::string file(const std::string& part) const { return folder_ + "/" + part + ".h5"; }
  static Label draw(const Vec& q, Index salt, Index row) {
    Real u = random_uniform(seed(), Stream::Check, salt, row);
    for (Index k = 0; k + 1 < q.size(); ++k) {
      u -= q[k];
      if (u < 0) {
        return static_cast<Label>(k);
      }
    }
    return static_cast<Label>(q.size() - 1);
  }
  void write(const std::string& part, Index n_rows) const {
    if (n_rows == 0) {
      return;
    }
    Table table;
    table.n_rows = n_rows;
    table.n_features = shape_.n_features;
    table.element = Storage::UInt8;
    RowsFormat format{.stored = Storage::UInt8, .n_features = shape_.n_features, .block_rows = 64, .has_truth = true};
    for (Index k = 0; k < shape_.n_classes; ++k) {
      format.class_names.push_back("class " + std::to_string(k));
    }
    format.recipe = "label data";
    for (Index i = 0; i < n_rows; ++i) {
      for (Index f = 0; f < shape_.n_features; ++f) {
        table.features.push_back(static_cast<std::byte>(feature(part, i, f)));
      }
      table.labels.push_back(given(part, i));
      table.truth.push_back(truth(part, i));
    }
    RowsWriter writer(file(part), format);
    writer.append(table);
    writer.finish();
  }

  const Communicator& comm_;
  Shape shape_;
  std::string folder_;
};

}  // namespace meha::test
