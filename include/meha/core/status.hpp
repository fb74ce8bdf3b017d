// SPDX-License-Identifier: MIT
// Why a run ended: one enum, each value with a name (in files), a sentence (for people) and an exit code.
#pragma once

#include <string>
#include <string_view>

#include "meha/core/error.hpp"

namespace meha {

/// Finished, Converged, ErrorReached and NoProgress are ends of their own accord; Stopped and TimeLimit can be resumed;
/// Unbalanced goes on in the same job, once rows are dealt out anew.
enum class Status : int { Finished, Converged, ErrorReached, NoProgress, Stopped, TimeLimit, NotFinite, Unbalanced };

std::string_view name(Status status);
std::string_view sentence(Status status);
ExitCode exit_code(Status status);

}  // namespace meha
