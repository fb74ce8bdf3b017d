// SPDX-License-Identifier: MIT
// What a file is that is given for a table as text and is none, from its first bytes, and what makes a table of it.
#pragma once

#include <string>
#include <string_view>

#include "meha/data/unpacked_file.hpp"

namespace meha {

/// Returns what a file with these first bytes is and what cures it, such as "is a spreadsheet (.xlsx): save it as CSV (UTF-8)";
/// empty where it may be text. @param bytes  the first 512, or all
std::string what_is_no_text(std::string_view bytes);

/// Errors: Error(Data) with what_is_no_text(), from the first bytes once unpacked, of a file of which nothing was read.
void expect_text(UnpackedFile& file);

}  // namespace meha
