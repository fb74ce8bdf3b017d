// SPDX-License-Identifier: MIT
// The weights of judges and of models of trusted rows, q ∝ judge^a·trusted^c, by how well they predict trusted labels.
#pragma once

#include "label_sample.hpp"

namespace meha {

struct ModelWeights {
  Real a = 1, c = 0;
  Real noise_rate = 0;  // of trusted rows: ρ
  Real loss = 0;        // mean of −log P(label)
};

/// @param sample  of trusted rows, with both models   @param usual_a  from which a is not far unless the labels say so
/// Collective.
ModelWeights weigh_models(const Communicator& comm, const LabelSample& sample, Index n_classes, Real usual_a);

/// Whether models of the trusted rows alone know something of these rows' labels that models of all rows, which have seen
/// the trusted rows too, do not: more than chance and the mean of two models would have it. Then given labels do not arise
/// from classes alone, and models of all rows have learnt to predict wrong labels. Collective.
/// @param weights  of judges and models of trusted rows together
bool is_by_row(const Communicator& comm, const LabelSample& sample, Index n_classes, const ModelWeights& weights,
               Real usual_a);

}  // namespace meha
