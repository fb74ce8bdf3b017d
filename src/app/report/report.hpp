// SPDX-License-Identifier: MIT
// meha report: a run, or several, as a page that people look at.
#pragma once

#include <optional>
#include <string>

#include "rows.hpp"

namespace meha {

inline constexpr const char* report_name = "report.html";

/// Writes DIR/report.html on rank 0, of a run whose rows were just judged. @return its path
/// @param rows  none: they could not be judged    Errors: Error(Checkpoint).
std::string write_report(const std::string& directory, std::optional<RowFacts> rows);

}  // namespace meha
