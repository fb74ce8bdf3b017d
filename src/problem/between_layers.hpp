// SPDX-License-Identifier: MIT
// What a perceptron does number by number between its products.
#pragma once

#include <cmath>

#include "meha/problem/mlp_classifier.hpp"

namespace meha {
namespace {

#define MEHA_ANY_WIDTH \
  __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))  // nothing fuses: the same bits

/// z ← φ(z). What is not a number stays so.
template <class T>
MEHA_ANY_WIDTH void activate(Activation activation, T* z, Index n) {
  if (activation == Activation::Relu) {
    for (Index i = 0; i < n; ++i) {
      z[i] = z[i] < 0 ? T(0) : z[i];
    }
  } else if (activation == Activation::Sigmoid) {
    for (Index i = 0; i < n; ++i) {
      z[i] = 1 / (1 + std::exp(-z[i]));
    }
  }
}

/// delta ← delta·φ'(z), where a = φ(z).
template <class T>
MEHA_ANY_WIDTH void multiply_by_slope(Activation activation, const T* a, T* delta, Index n) {
  if (activation == Activation::Relu) {
    for (Index i = 0; i < n; ++i) {
      delta[i] = a[i] > 0 ? delta[i] : T(0);
    }
  } else if (activation == Activation::Sigmoid) {
    for (Index i = 0; i < n; ++i) {
      delta[i] *= a[i] * (1 - a[i]);
    }
  }
}

/// Adds each column's sum over the rows of `tile`. @param values  grouped, n columns
template <class T>
MEHA_ANY_WIDTH void add_column_sums(const T* values, Index n_rows, Index n, Real* sums) {
  for (Index column = 0; column < n; ++column) {
    T lanes[group_rows] = {};
    for (Index first = 0; first < n_rows; first += group_rows) {
      const T* v = values + grouped_at(first, column, n);
      for (Index lane = 0; lane < group_rows; ++lane) {
        lanes[lane] += v[lane];
      }
    }
    for (const T lane : lanes) {
      sums[column] += static_cast<Real>(lane);
    }
  }
}

/// scaled ← scale·values.
template <class T>
MEHA_ANY_WIDTH void scale_to(const T* __restrict values, Index n, Real scale, Real* __restrict scaled) {
  for (Index i = 0; i < n; ++i) {
    scaled[i] = static_cast<Real>(values[i]) * scale;
  }
}

#undef MEHA_ANY_WIDTH

}  // namespace
}  // namespace meha
