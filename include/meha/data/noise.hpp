// SPDX-License-Identifier: MIT
// Label noise whose truth is known. round(rate·n) rows, drawn without replacement, get a new label:
//   uniform            another class, each equally likely
//   uniform_inclusive  any class, the true one too (such a row still counts as corrupted)
//   pair               the next class (k + 1 mod K)
//   classwise          another class, drawn with the probabilities of the true class's row of a random matrix
// and, in instance_noise.hpp:
//   instance           another class, the one that a weak model takes the row for
#pragma once

#include "meha/data/data_options.hpp"
#include "meha/data/dataset.hpp"

namespace meha {

/// Redraws labels in place; depends on seed and row only.
/// @return  one byte per row: 1 where the label was left alone; empty when kind is "none"
std::vector<std::uint8_t> corrupt_labels(std::span<Label> labels, Index n_classes, const NoiseOptions& noise,
                                         Index seed);

}  // namespace meha
