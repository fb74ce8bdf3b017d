// SPDX-License-Identifier: MIT
// What is looked at, and told, once the rows of a run are chosen.
#pragma once

#include "meha/data/split.hpp"

namespace meha {

/// Errors: Error(Data) where files differ in their features, or in the order of their classes.
void check_fit(const Split& split);

/// Errors: Error(Data) where the training rows are of one class, or labels leave most class numbers out and have no names.
void check_classes(const Split& split, bool are_named);

/// Errors: Error(Data) for a class of another file that the training file does not have. Where classes are plain numbers,
/// only if the other file lacks a class too: labels then seem to count from another number.
void check_same_classes(const Split& split);

/// Errors: Error(Config) where label noise would draw a class without rows.
void check_noise(const Split& split, const NoiseOptions& noise);

/// Sets split.notes: rows, features and classes of each level, and what was made of each file.
void add_notes(Split& split);

}  // namespace meha
