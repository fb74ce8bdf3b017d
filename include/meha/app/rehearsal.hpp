// SPDX-License-Identifier: MIT
// Predicts how long a run will take: some of its rows are read, distributed and computed with as in the run itself, on the
// ranks at hand. Read time is modelled as a + b · rows, fitted on two sizes. The row kernels' part of an iteration and the
// time of a report grow with the rows of a rank; the rest of an iteration is communication and the update of y. Models of labels
// and those trained after the run are timed for a few steps.
#pragma once

#include "meha/app/footprint.hpp"
#include "meha/comm/communicator.hpp"

namespace meha {

/// Seconds.
struct Duration {
  Real deal = 0;                               // reading rows and dealing them out
  Real kernels = 0, exchange = 0, update = 0;  // of an iteration: `exchange` with waiting for slower ranks
  Real report = 0;
  Real models = 0, steps = 0, refits = 0;  // of labels; choosing step sizes; in all
  [[nodiscard]] Real iteration() const { return kernels + exchange + update; }
};

/// Steps that are still to be chosen are replaced by small ones.
/// @param sizes    of the run, on rank 0; ignored elsewhere
/// @param n_ranks  of the run. Where these are not the ranks at hand, rows are shared out evenly, and the exchange is a
///                 guess: 2 µs a message and 10 GB/s
/// @return on rank 0. Collective.
/// Errors: as make_problem().
Duration rehearse(const Communicator& comm, const RunSizes* sizes, Simd simd, int n_ranks);

/// What a problem that is small enough to be made says of itself, on rank 0.
struct Rehearsal {
  Index n_x = 0, n_y = 0, n_lower = 0, n_upper = 0;
  Index state_bytes = 0;  // on all ranks together
  Index n_iterations = 0, n_reports = 0;
  Duration duration;
};

/// The same for a problem without file_rows, with all its rows, on the ranks at hand; step sizes that are open become small.
/// Collective. Errors: as make_problem() and make_algorithm().
Rehearsal rehearse_whole(const Communicator& comm, const Options& options, Simd simd);

}  // namespace meha
