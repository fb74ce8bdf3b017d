// SPDX-License-Identifier: MIT
// What a finished run on doubtful labels says of its rows, made anew from its result.
#pragma once

#include <functional>
#include <string>

#include "meha/comm/communicator.hpp"
#include "meha/io/samples.hpp"

namespace meha {

struct JudgedRows {
  const SampleReport report;  // of the rows that this rank owns
  const LabelNoise& noise;
  Index n_rows = 0;  // on all ranks
};

/// Collective.
using SeeRows = std::function<void(const JudgedRows& judged)>;

/// Reads the run's data and result, judges the rows and calls `see` on every rank. Collective, also for `see`.
/// Errors: as meha export.
void with_judged_rows(const Communicator& comm, const std::string& directory, const SeeRows& see);

}  // namespace meha
