// SPDX-License-Identifier: MIT
// How fast a classifier's row kernels are here and now, measured on made-up rows.
#pragma once

#include "meha/problem/classifier.hpp"

namespace meha {

class KernelTrial {
 public:
  /// @param entries_per_row  sparse rows only
  KernelTrial(Classifier& classifier, const ClassifierShape& shape, Index entries_per_row = 0);

  /// What a row takes, forward and backward at so many points. Goes on for `duration_s` at least. [unit: seconds]
  Real seconds_per_row(std::size_t n_points, Real duration_s);

 private:
  Classifier& classifier_;
  Vec y_;
  RowSet rows_;
};

}  // namespace meha
