// SPDX-License-Identifier: MIT
// Label noise that depends on the features, kind "instance": a row gets the class that a weak model mistakes it for, the
// likelier the less sure the model is of the row. The model is the nearest of the classes' means μ_k, over at most 20 rows
// of each, drawn at random. Row i has features a_i and label k_i.
//   s_k(a) = μ_k·a − ‖μ_k‖²/2          a score: ‖a − μ_k‖² = ‖a‖² − 2 s_k(a)
//   l_i = argmax_{k ≠ k_i} s_k(a_i)    the new label, of a class that has rows
//   d_i = s_{l_i}(a_i) − s_{k_i}(a_i)  the doubt; d_i > 0: the model gets the row wrong
//   w_i = #{j : d_j ≤ d_i} / n         its weight
// round(rate·n) rows are drawn without replacement, each next one with probabilities in proportion to w: those with the
// least −log(u_i)/w_i, u_i uniform in (0, 1]. Ranks make the noise as uneven for all features: row i is corrupted with
// probability 1 − exp(−t w_i), nearly, whose mean is the rate: at rate 0.3 from 0 (surest row) to 0.53, at 0.5 to 0.8.
// Source of the draw: Efraimidis, Spirakis, Information Processing Letters 97 (2006).
#pragma once

#include "meha/data/split.hpp"

namespace meha {

/// Redraws labels in place; depends on the rows and the seed only. Features are visited twice, a band at a time.
/// @return  one byte per row: 1 where the label was left alone
/// Errors: Error(Data) unless two classes have rows; as for_each_row().
std::vector<std::uint8_t> corrupt_instances(Selection& rows, Index n_classes, const NoiseOptions& noise, Index seed);

}  // namespace meha
