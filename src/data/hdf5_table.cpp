// SPDX-License-Identifier: MIT
#include "meha/data/hdf5_table.hpp"

#include <limits>

#include "meha/data/hdf5_file.hpp"

namespace meha {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw Error(ExitCode::Data, path + ": " + why);
}

void check_length(const Hdf5File& file, const std::string& path, const std::string& dataset, Index n_rows) {
  const auto shape = file.shape(dataset);
  if (shape.size() != 1 || shape[0] != n_rows) {
    fail(path, dataset + " must have one entry for each of the " + std::to_string(n_rows) + " rows of /features");
  }
}

std::vector<Real> read_numbers(const Hdf5File& file, const std::string& path, const std::string& dataset,
                               Index n_rows) {
  check_length(file, path, dataset, n_rows);
  if (const auto kind = file.number(dataset);
      kind != Hdf5File::Number::UInt8 && kind != Hdf5File::Number::OtherInteger && kind != Hdf5File::Number::Float) {
    fail(path, dataset + " must hold numbers");
  }
  std::vector<Real> numbers(static_cast<std::size_t>(n_rows));
  file.read(dataset, std::span(numbers));
  return numbers;
}

std::vector<Label> read_labels(const Hdf5File& file, const std::string& path, const std::string& dataset,
                               Index n_rows) {
  check_length(file, path, dataset, n_rows);
  if (const auto kind = file.number(dataset);
      kind != Hdf5File::Number::UInt8 && kind != Hdf5File::Number::OtherInteger) {
    fail(path, dataset + " must hold integers (classes 0, 1, …); other numbers need problem.loss = \"squared\"");
  }
  std::vector<std::int64_t> wide(static_cast<std::size_t>(n_rows));
  file.read(dataset, std::span(wide));
  std::vector<Label> labels;
  labels.reserve(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (wide[i] < 0 || wide[i] >= 1'000'000) {
      fail(path, dataset + " of row " + std::to_string(i) + " = " + std::to_string(wide[i]) +
                     ": must be a class number from 0 to 999999");
    }
    labels.push_back(static_cast<Label>(wide[i]));
  }
  return labels;
}

}  // namespace

Table read_hdf5_table(const std::string& features_path, const std::string& labels_path, Targets targets) {
  const Hdf5File features = Hdf5File::open(features_path, ExitCode::Data);
  Table table;
  table.name = features_path;
  const auto shape = features.shape("/features");
  if (shape.size() < 2) {
    fail(features_path, "/features must have two or more dimensions (rows first)");
  }
  table.n_rows = shape[0];
  table.n_features = 1;
  for (std::size_t d = 1; d < shape.size(); ++d) {
    table.n_features *= shape[d];
  }
  if (table.n_rows == 0 || table.n_features == 0) {
    fail(features_path, "/features is empty");
  }
  const auto kind = features.number("/features");
  table.element = kind == Hdf5File::Number::UInt8 ? Element::UInt8 : Element::Float32;
  table.features.resize(static_cast<std::size_t>(table.n_rows * table.row_bytes()));
  const auto n_values = static_cast<std::size_t>(table.n_rows * table.n_features);
  if (kind == Hdf5File::Number::UInt8) {
    features.read("/features", std::span(reinterpret_cast<std::uint8_t*>(table.features.data()), n_values));
  } else if (kind == Hdf5File::Number::OtherInteger || kind == Hdf5File::Number::Float) {
    features.read("/features", std::span(reinterpret_cast<float*>(table.features.data()), n_values));
  } else {
    fail(features_path, "/features must hold numbers");
  }
  const std::string labels_file = labels_path.empty() ? features_path : labels_path;
  const Hdf5File labels = Hdf5File::open(labels_file, ExitCode::Data);
  if (targets == Targets::Numbers) {
    table.numbers = read_numbers(labels, labels_file, "/labels", table.n_rows);
    check_values(table);
    return table;
  }
  table.labels = read_labels(labels, labels_file, "/labels", table.n_rows);
  if (labels.has("/truth")) {
    table.truth = read_labels(labels, labels_file, "/truth", table.n_rows);
  }
  if (labels.has("/class_names")) {
    table.class_names = labels.read_texts("/class_names");
  }
  check_values(table);
  return table;
}

}  // namespace meha
