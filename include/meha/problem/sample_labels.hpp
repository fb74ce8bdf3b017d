// SPDX-License-Identifier: MIT
// What is known of labels that are in doubt: what reports on samples (io/samples.hpp) need of a problem with one x per row.
#pragma once

#include <string>
#include <vector>

#include "meha/core/types.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// The weight of a row: σ(x) = 1/(1 + e^-x); σ(±∞) is exactly 1 and 0.
Real sigmoid(Real x);

/// Of the training rows that this rank owns.
struct SampleLabels {
  Range rows;
  std::vector<Index> source_row;   // row in the training file
  std::vector<Index> source_line;  // where it begins there, from 1; empty where the file is no text
  std::vector<Label> given;
  std::vector<Label> truth;            // empty when unknown
  std::vector<std::uint8_t> is_clean;  // empty when unknown
  bool knows_truth = false;            // the same on all ranks
  std::vector<std::string> class_names;
};

}  // namespace meha
