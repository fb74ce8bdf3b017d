// SPDX-License-Identifier: MIT
// Work beside the iterations of a run.
#pragma once

#include "meha/solver/oracle.hpp"

namespace meha {

/// Runs `work` as a stage of its own: its passes over rows add to the time of this stage and to nothing else.
template <class Work>
void timed(Oracle& oracle, Real Timings::*stage, Stage doing, Work&& work) {
  Timings before = oracle.timings;
  const Counts counts_before = oracle.counts;
  {
    const Stopwatch watch(before.*stage, doing);
    work();
  }
  oracle.timings = before;
  oracle.counts = counts_before;
}

}  // namespace meha
