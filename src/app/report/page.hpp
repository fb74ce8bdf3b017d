// SPDX-License-Identifier: MIT
// A report as one HTML file that asks for nothing else: style, script and data stand in it, and a policy forbids the browser
// to load or run anything else. Its last line is a hash of what stands above, by which the program knows its own files.
#pragma once

#include <string>

#include "facts.hpp"

namespace meha {

/// @param runs  not empty; two or more are shown side by side
std::string page_of(const std::vector<RunFacts>& runs);

/// Errors: Error(Checkpoint) where a file is there that is no report, or was changed since the program wrote it.
void expect_own_report(const std::string& path);
/// Writes the page durably. Errors: as expect_own_report(); Error(Checkpoint) where it cannot be written.
void write_page(const std::string& path, const std::string& page);

}  // namespace meha
