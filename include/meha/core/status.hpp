// SPDX-License-Identifier: MIT
// Why a run ended: one enum, each value with a name (in files), a sentence (for people) and an exit code.
#pragma once

#include <string>
#include <string_view>

#include "meha/core/error.hpp"

namespace meha {

enum class Status : int { Finished, Stopped, TimeLimit, NotFinite };

std::string_view name(Status status);
std::string_view sentence(Status status);
ExitCode exit_code(Status status);

}  // namespace meha
