// SPDX-License-Identifier: MIT
// Features of mean 0 and deviation 1:  a_j ← (a_j − m_j)/s_j,  m_j = mean and s_j² = mean square deviation of feature j
// over the training rows; s_j = 1 for a feature that is the same in all of them. Sparse rows would not stay sparse: they are
// only scaled, a_j ← a_j/s_j; a model's bias takes up the shift.
#pragma once

#include "meha/data/split.hpp"

namespace meha {

/// Replaces the tables of all selections by standardised ones of float32 (sparse ones stay sparse).
/// Errors: Error(Data) when a feature leaves the range of float32.
void standardise(Split& split);

}  // namespace meha
