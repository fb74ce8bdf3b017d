// SPDX-License-Identifier: MIT
#include "meha/problem/kernel_trial.hpp"

#include <chrono>
#include <cstring>
#include <utility>

namespace meha {
namespace {

constexpr Index n_rows = 32 * tile_rows;

RowSet made_up_rows(const ClassifierShape& shape, Index entries_per_row) {
  std::vector<Index> first;
  for (Index row = 0; shape.element == Element::Sparse && row <= n_rows; ++row) {
    first.push_back(row * entries_per_row);
  }
  RowSet rows({.n_rows = n_rows, .block_rows = n_rows}, {0, n_rows}, shape.n_features, shape.element,
              shape.loss == Loss::Squared ? Targets::Numbers : Targets::Classes, first);
  if (shape.element == Element::Sparse) {
    const auto bytes = rows.feature_bytes({0, n_rows});
    for (Index i = 0; i < n_rows * entries_per_row; ++i) {
      const auto feature = static_cast<std::uint32_t>(i * 7919 % shape.n_features);
      const Entry entry{.feature = feature, .value = 1};
      std::memcpy(bytes.data() + i * bytes_per(Element::Sparse), &entry, sizeof entry);
    }
  }
  return rows;
}

}  // namespace

KernelTrial::KernelTrial(Classifier& classifier, const ClassifierShape& shape, Index entries_per_row)
    : classifier_(classifier), y_(Vec::Zero(classifier.n_parameters())), rows_(made_up_rows(shape, entries_per_row)) {}

Real KernelTrial::seconds_per_row(std::size_t n_points, Real duration_s) {
  const std::vector<InSpan> points(n_points, as_span(std::as_const(y_)));
  classifier_.set_points(points);
  std::vector<Real> losses(n_points * tile_rows);
  const std::vector<Real> weights(tile_rows, 0.5);
  const auto start = std::chrono::steady_clock::now();
  Real seconds = 0;
  Index n_done = 0;
  for (Index at = 0; seconds < duration_s; at = (at + tile_rows) % n_rows) {
    const Tile tile = rows_.tile({at, at + tile_rows});
    classifier_.forward(tile, losses);
    classifier_.backward(tile, weights);
    n_done += tile_rows;
    seconds = std::chrono::duration<Real>(std::chrono::steady_clock::now() - start).count();
  }
  return seconds / static_cast<Real>(n_done);
}

}  // namespace meha
