// SPDX-License-Identifier: MIT
// Label noise: how given labels arise from true ones, and what a given label says of the true one.
//   N[k][g] = P(given g | true k),   q_i(k) = P(true k | features of row i), by a model that was not trained on row i
//   p_i(k)  = P(true k | features, given g_i) ∝ q_i(k)·N[k][g_i]                 noise by class (Dawid, Skene, 1979)
//   p_i(k)  = q_i(k)                                                             noise by row: the label says nothing more
// q = softmax of a·log q_judge + c·log q_trusted. p_correct of row i is p_i(g_i); a row is suspect when it is below ½.
#pragma once

#include <vector>

#include "meha/data/dataset.hpp"

namespace meha {

struct LabelNoise {
  Index n_classes = 0;
  Vec transition;               // (n_classes²): N, row-major, row k: true class k
  Vec prior;                    // (n_classes): share of each true class among the rows
  Real judge_weight = 1;        // a; 1/temperature where no rows are trusted
  Real trusted_weight = 0;      // c
  bool by_row = false;          // N is not used
  Real trusted_noise_rate = 0;  // estimated share of wrong labels among the trusted rows; 0 without such rows
  Real trusted_value = 0;       // mean −log q(label) [nats] of trusted rows, out of fold; 0 without such rows
  Real row_visits = 0;          // in training the models: rows times models
  Real n_steps = 0;             // of the models' training
};

/// Returns one vector, for State: transition, prior, then the others in their order.
Vec pack(const LabelNoise& noise);
/// Returns the length of pack().
constexpr Index packed_size(Index n_classes) {
  return n_classes * n_classes + n_classes + 7;
}
/// Reverses pack(). @param packed  (packed_size(n_classes))
LabelNoise unpack_label_noise(const Vec& packed, Index n_classes);

/// The start of an estimate of N: 0.55 on the diagonal, the rest evenly. @return (n_classes²)
Vec first_transition(Index n_classes);

/// N from expected counts of (true, given) pairs, with 1 % of the mean row added evenly to each row, then rows divided
/// by their sums.
/// @param counts  (n_classes²), of any common scale   @return (n_classes²)
Vec transition_of(const Vec& counts, Index n_classes);

/// p ← q ⊙ N[·][given] / Σ. @param transition  (n_classes²)   @param p  (n_classes), set   @return Σ_k q(k) N[k][given]
Real posterior(InSpan q, InSpan transition, Label given, OutSpan p);

/// What is known of the true label of one row.
struct RowPosterior {
  Real p_correct = 1;    // probability that the given label is right
  Label suggested = 0;   // most likely class; of a suspect row the most likely other than the given one
  Real p_suggested = 1;  // its probability
};

/// Returns what the models' probabilities tell of a row. @param judge  (n_classes): log q_judge
/// @param trusted  (n_classes): log q_trusted; empty where noise.trusted_weight is 0   @param work  (2·n_classes) scratch
RowPosterior posterior(const LabelNoise& noise, InSpan judge, InSpan trusted, Label given, OutSpan work);

/// q = softmax(a·judge + c·trusted). @param trusted  may be empty where c = 0   @param q  (n_classes), set
void mix(Real a, InSpan judge, Real c, InSpan trusted, OutSpan q);

}  // namespace meha
