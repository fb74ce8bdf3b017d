// SPDX-License-Identifier: MIT
// A hyper-cleaning job as `meha run` makes it (Problem, Oracle, Meha, State), on random rows, without files but its data.
#pragma once

#include <string>

#include "bench/counted_mpi.hpp"
#include "meha/core/options.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/solver/meha.hpp"

namespace meha::bench {

struct Shape {
  std::string name;
  Index rows = 5000, validation = 5000, features = 784, classes = 10;
  Index batch = 0;  // rows of each level a step; 0: all
  std::string model = "linear";
  std::string simd = "auto", precision = "float32", sum = "exact";
  std::string reference = {};  // name of the shape whose rows per second it is compared with
};

/// What some steps took, and said to MPI [per step; seconds].
struct Cost {
  Real seconds = 0, compute = 0, allreduce = 0, update = 0;
  Traffic traffic;  // of all steps
};

class Job {
 public:
  /// Makes its data in `folder` unless they are there. Collective.
  Job(const Shape& shape, const std::string& folder);

  /// Collective.
  Cost run(Index n_steps);
  /// Steps that take about so long. Collective.
  Index steps_in(Real seconds);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::string level() const { return name(simd_); }
  [[nodiscard]] Index n_parameters() const { return problem_.n_y(); }
  /// Visited by a step.
  [[nodiscard]] Index n_rows() { return n_rows(Level::Lower) + n_rows(Level::Upper); }
  /// 8·m per training row (products forward and backward at y and θ), 4·m per validation row (at y).
  [[nodiscard]] Real flops() {
    return static_cast<Real>(n_parameters()) * static_cast<Real>(8 * n_rows(Level::Lower) + 4 * n_rows(Level::Upper));
  }

 private:
  Index n_rows(Level level) { return oracle_.n_rows_in_step(level); }

  Shape shape_;
  Communicator comm_;
  Options options_;
  Simd simd_;
  HyperCleaning problem_;
  Oracle oracle_;
  Meha meha_;
  State state_;
};

}  // namespace meha::bench
