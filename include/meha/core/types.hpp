// SPDX-License-Identifier: MIT
// The words every room shares.
//
// Glossary: letter of the paper → name in the code, in the config and in the files
//   x        upper variable (hyper-parameters)         x
//   y        lower variable (model)                    y
//   θ        proximal companion of y                   theta
//   F        upper objective                           upper
//   f, g     smooth and proximable lower objective     lower, g
//   φ = f+g  whole lower objective                     lower_value
//   v_γ      Moreau envelope of φ                      (never formed; see gap)
//   α, β, η  step sizes of x, y, θ                     alpha, beta, eta
//   γ        envelope parameter                        gamma
//   c_k      penalty c·(k+1)^p                         penalty(k)
//   k        completed iterations, from 0              iteration
//   n, m     number of lower rows, length of y         n_rows, n_y
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>

namespace meha {

using Real = double;
using Index = std::int64_t;
using Vec = Eigen::VectorXd;
using In = const Eigen::Ref<const Vec>&;
using Out = Eigen::Ref<Vec>;
using InSpan = std::span<const Real>;
using OutSpan = std::span<Real>;

/// Half-open range of rows, blocks or entries.
struct Range {
  Index begin = 0;
  Index end = 0;
  [[nodiscard]] Index size() const { return end - begin; }
  [[nodiscard]] bool empty() const { return end <= begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

inline OutSpan as_span(Vec& v) {
  return {v.data(), static_cast<std::size_t>(v.size())};
}
inline InSpan as_span(const Vec& v) {
  return {v.data(), static_cast<std::size_t>(v.size())};
}

/// The entries of `whole` that `range` names.
template <class T>
std::span<T> slice(std::span<T> whole, Range range) {
  return whole.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
}

}  // namespace meha
