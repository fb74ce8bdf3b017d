// SPDX-License-Identifier: MIT
// Labelled rows in memory: a Table is a whole file on one rank; a RowSet is the part of a set of rows that one rank owns,
// handed out as tiles. uint8 features stay uint8 (a value v stands for v/255); everything else is float32.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "meha/core/blocks.hpp"

namespace meha {

enum class Element : int { UInt8, Float32 };

inline Index bytes_per(Element element) {
  return element == Element::UInt8 ? 1 : 4;
}
/// What a stored value is multiplied by.
inline Real feature_scale(Element element) {
  return element == Element::UInt8 ? 1.0 / 255.0 : 1.0;
}

using Label = std::int32_t;

/// What the labels of a file are: classes 0, 1, …, or any numbers (of a regression).
enum class Targets : int { Classes, Numbers };

/// A whole file: features (n_rows × n_features, row-major) and one label per row, or one number per row.
struct Table {
  std::string name;  // of the file, for messages
  Index n_rows = 0;
  Index n_features = 0;
  Element element = Element::UInt8;
  std::vector<std::byte> features;
  std::vector<Label> labels;             // Targets::Classes, else empty
  std::vector<Real> numbers;             // Targets::Numbers, else empty
  std::vector<Label> truth;              // true labels where the file has them, else empty
  std::vector<std::string> class_names;  // where the file has them, else empty

  [[nodiscard]] Index row_bytes() const { return n_features * bytes_per(element); }
  [[nodiscard]] std::span<const std::byte> row(Index i) const;
};

/// Throws Error(Data) naming the row when a float32 feature or a number is not finite or a label is negative.
void check_values(const Table& table);

/// Consecutive rows in cache-sized portions. At least 64 readable bytes follow the last row.
struct Tile {
  const std::byte* features = nullptr;
  const Label* labels = nullptr;  // Targets::Classes
  const Real* numbers = nullptr;  // Targets::Numbers
  Element element = Element::UInt8;
  Index n_rows = 0;
  Index n_features = 0;
};

/// The rows [rows.begin, rows.end) of a set that is cut by `plan`: those this rank owns.
class RowSet {
 public:
  RowSet() = default;
  RowSet(BlockPlan plan, Range rows, Index n_features, Element element, Targets targets = Targets::Classes);

  [[nodiscard]] const BlockPlan& plan() const { return plan_; }
  [[nodiscard]] Range rows() const { return rows_; }
  [[nodiscard]] Index n_features() const { return n_features_; }
  [[nodiscard]] Element element() const { return element_; }
  /// @param rows  global row numbers inside rows()
  [[nodiscard]] Tile tile(Range rows) const;
  /// Storage of the same rows, to be filled at set-up.
  [[nodiscard]] std::span<std::byte> feature_bytes(Range rows);
  [[nodiscard]] std::span<Label> labels(Range rows);
  [[nodiscard]] std::span<Real> numbers(Range rows);

 private:
  BlockPlan plan_;
  Range rows_;
  Index n_features_ = 0;
  Element element_ = Element::UInt8;
  std::vector<std::byte> features_;
  std::vector<Label> labels_;  // one of these is empty
  std::vector<Real> numbers_;
};

}  // namespace meha
