// SPDX-License-Identifier: MIT
// Where the time of a run goes.
#pragma once

#include <chrono>

#include "meha/core/activity.hpp"
#include "meha/core/types.hpp"

namespace meha {

/// Wall time [s] by stage.
struct Timings {
  Real compute = 0, allreduce = 0, update = 0, start = 0, evaluate = 0, checkpoint = 0;
};

/// Adds the life of this object to the timing of a stage.
class Stopwatch {
 public:
  explicit Stopwatch(Real& total, Stage stage = Stage::None) : doing_(stage), total_(total) {}
  ~Stopwatch() { total_ += std::chrono::duration<Real>(std::chrono::steady_clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Doing doing_;
  Real& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace meha
