// SPDX-License-Identifier: MIT
// What the page's script draws, as JSON.
#pragma once

#include <string>

#include "facts.hpp"

namespace meha {

/// Returns {"runs": […], "differences": […]} with every "<" escaped, so that it may stand in a <script> of HTML. Bytes that are
/// not UTF-8 become U+FFFD.
std::string json_of(const std::vector<RunFacts>& runs);

/// Returns the text with U+FFFD in the place of bytes that are not UTF-8.
std::string valid_utf8(const std::string& text);

}  // namespace meha
