// SPDX-License-Identifier: MIT
// All that an algorithm changes: the iteration and an ordered list of named fields. Checkpoints, hashes and comparisons
// are loops over that list. At iteration k State is (x^k, y^k, θ^{k+1}).
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "meha/core/types.hpp"

namespace meha {

struct Field {
  std::string name;
  bool per_row = false;  // one entry per lower row: this rank holds only the rows it stores
  Vec values;
  Index ahead = 0;  // at iteration k the field is of iteration k + this
};

class State {
 public:
  Index iteration = 0;

  /// Appends a field of zeros. References to fields stay valid.
  Vec& add(std::string name, bool per_row, Index size, Index ahead = 0);
  /// The field of that name, which must exist.
  [[nodiscard]] Vec& operator[](std::string_view name);
  [[nodiscard]] const Vec& operator[](std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] const Field& field(std::string_view name) const;
  [[nodiscard]] std::deque<Field>& fields() { return fields_; }
  [[nodiscard]] const std::deque<Field>& fields() const { return fields_; }

 private:
  std::deque<Field> fields_;
};

}  // namespace meha
