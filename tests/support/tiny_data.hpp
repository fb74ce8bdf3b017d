// SPDX-License-Identifier: MIT
// A few labelled images, written as IDX files into a folder of their own; the folder goes when the object goes.
// Feature f of a row is bright where f mod n_classes is the row's class: easy to separate.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "meha/comm/communicator.hpp"
#include "meha/core/options.hpp"
#include "meha/data/data_options.hpp"
#include "meha/data/dataset.hpp"
#include "support/random_values.hpp"

namespace meha::test {

class TinyData {
 public:
  struct Shape {
    Index n_train = 40, n_validation = 20, n_test = 30;
    Index n_features = 12, n_classes = 3;
  };

  /// Collective: rank 0 writes.
  TinyData(const Communicator& comm, const Shape& shape) : comm_(comm), shape_(shape) {
    folder_ = (std::filesystem::temp_directory_path() / ("meha_tiny_" + std::to_string(getpid()))).string();
    comm_.broadcast(folder_);
    comm_.root_or_none([&] {
      std::filesystem::create_directories(folder_);
      write("train", shape.n_train);
      write("validation", shape.n_validation);
      write("test", shape.n_test);
    });
  }
  ~TinyData() {
    (void)comm_.min(0);  // nobody still reads
    if (comm_.is_root()) {
      std::filesystem::remove_all(folder_);
    }
  }
  TinyData(const TinyData&) = delete;
  TinyData& operator=(const TinyData&) = delete;

  /// Reads these files as they stand: no shuffling, no noise, float64.
  [[nodiscard]] Options options() const {
    Options options;
    options.run.precision = "float64";
    options.run.block_rows = 7;
    options.problem.type = "hyper_cleaning";
    auto& data = options.problem.of<DataOptions>();
    data.train_features.value = file("train", "features");
    data.train_labels.value = file("train", "labels");
    data.validation_features.value = file("validation", "features");
    data.validation_labels.value = file("validation", "labels");
    data.test_features.value = file("test", "features");
    data.test_labels.value = file("test", "labels");
    data.shuffle = false;
    return options;
  }
  /// The same labels in LIBSVM files: of each row every 13th feature or so, most of them where others have none.
  [[nodiscard]] Options sparse_options() const {
    Options options = this->options();
    auto& data = options.problem.of<DataOptions>();
    data.format = "libsvm";
    data.sparse = "always";
    data.train_labels = data.validation_labels = data.test_labels = {};
    for (const auto& [part, path, n_rows] : {std::tuple("train", &data.train_features, shape_.n_train),
                                             {"validation", &data.validation_features, shape_.n_validation},
                                             {"test", &data.test_features, shape_.n_test}}) {
      path->value = folder_ + "/" + part + ".svm";
      comm_.root_or_none([&, part = part, n_rows = n_rows, name = path->value] {
        std::ofstream file(name);
        for (Index row = 0; row < n_rows; ++row) {
          file << label(part, row);
          for (Index f = row * 7 % 13; f < shape_.n_features; f += 13) {
            file << ' ' << f + 1 << ':' << feature(part, row, f) / 255.0;
          }
          file << '\n';
        }
      });
    }
    return options;
  }
  [[nodiscard]] std::uint8_t feature(const std::string& part, Index row, Index f) const {
    const bool bright = f % shape_.n_classes == label(part, row);
    return static_cast<std::uint8_t>((bright ? 150 : 0) +
                                     random_below(100, seed(), Stream::Check, salt(part), row * shape_.n_features + f));
  }
  [[nodiscard]] Label label(const std::string& part, Index row) const {
    return static_cast<Label>(
        row < shape_.n_classes ? row : random_below(shape_.n_classes, seed(), Stream::Check, salt(part) + 1, row));
  }

 private:
  static Index salt(const std::string& part) { return part == "train" ? 10 : part == "validation" ? 20 : 30; }
  [[nodiscard]] std::string file(const std::string& part, const char* what) const {
    return folder_ + "/" + part + "_" + what;
  }
  static void put(std::ofstream& out, Index big_endian) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.put(static_cast<char>(big_endian >> shift));
    }
  }
  void write(const std::string& part, Index n_rows) const {
    std::ofstream features(file(part, "features"), std::ios::binary);
    put(features, 0x802);
    put(features, n_rows);
    put(features, shape_.n_features);
    std::ofstream labels(file(part, "labels"), std::ios::binary);
    put(labels, 0x801);
    put(labels, n_rows);
    for (Index i = 0; i < n_rows; ++i) {
      labels.put(static_cast<char>(label(part, i)));
      for (Index f = 0; f < shape_.n_features; ++f) {
        features.put(static_cast<char>(feature(part, i, f)));
      }
    }
  }

  const Communicator& comm_;
  Shape shape_;
  std::string folder_;
};

}  // namespace meha::test
