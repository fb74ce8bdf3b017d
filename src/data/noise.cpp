// SPDX-License-Identifier: MIT
#include "meha/data/noise.hpp"

#include <cmath>
#include <numeric>

#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

/// Draws a class other than `label` with probabilities from row `label` of a random matrix.
Label draw_classwise(Label label, Index n_classes, Index seed, Index row) {
  const auto weight = [&](Index to) {
    return to == label ? 0.0 : random_uniform(seed, Stream::NoiseMatrix, label, to);
  };
  Real total = 0;
  for (Index to = 0; to < n_classes; ++to) {
    total += weight(to);
  }
  Real rest = random_uniform(seed, Stream::NoiseLabels, 0, row) * total;
  Index last = (label + 1) % n_classes;
  for (Index to = 0; to < n_classes; ++to) {
    if (weight(to) > 0) {
      last = to;
      rest -= weight(to);
      if (rest < 0) {
        break;
      }
    }
  }
  return static_cast<Label>(last);
}

Label draw(const std::string& kind, Label label, Index n_classes, Index seed, Index row) {
  if (kind == "uniform_inclusive") {
    return static_cast<Label>(random_below(n_classes, seed, Stream::NoiseLabels, 0, row));
  }
  if (kind == "pair") {
    return static_cast<Label>((label + 1) % n_classes);
  }
  if (kind == "classwise") {
    return draw_classwise(label, n_classes, seed, row);
  }
  const Index other = random_below(n_classes - 1, seed, Stream::NoiseLabels, 0, row);
  return static_cast<Label>(other < label ? other : other + 1);
}

}  // namespace

std::vector<std::uint8_t> corrupt_labels(std::span<Label> labels, Index n_classes, const NoiseOptions& noise,
                                         Index seed) {
  if (noise.kind == "none") {
    return {};
  }
  if (n_classes < 2) {
    throw Error(ExitCode::Data, "problem.noise.kind = \"" + noise.kind +
                                    "\": needs at least 2 classes, the data have " + std::to_string(n_classes));
  }
  std::vector<Index> rows(labels.size());
  std::iota(rows.begin(), rows.end(), Index{0});
  random_shuffle(rows, seed, Stream::NoiseRows, 0);
  rows.resize(static_cast<std::size_t>(std::llround(noise.rate * static_cast<Real>(labels.size()))));
  std::vector<std::uint8_t> is_clean(labels.size(), 1);
  for (const Index row : rows) {
    const auto at = static_cast<std::size_t>(row);
    labels[at] = draw(noise.kind, labels[at], n_classes, seed, row);
    is_clean[at] = 0;
  }
  return is_clean;
}

}  // namespace meha
