// SPDX-License-Identifier: MIT
// Why a run ended: one enum, each value with a name (in files), a sentence (for people) and an exit code.
#pragma once

#include <string>
#include <string_view>

#include "meha/core/error.hpp"

namespace meha {

/// Finished, Converged, ErrorReached and NoProgress: the run is complete. Stopped and TimeLimit: it can be resumed.
/// Unbalanced is internal: the job redistributes rows and continues.
enum class Status : int { Finished, Converged, ErrorReached, NoProgress, Stopped, TimeLimit, NotFinite, Unbalanced };

std::string_view name(Status status);
std::string_view sentence(Status status);
ExitCode exit_code(Status status);

}  // namespace meha
